# nix-build packaging/nix: the source tree that this file lies in.
{ pkgs ? import <nixpkgs> { } }:
pkgs.stdenv.mkDerivation {
  pname = "vilscope";
  version = "0.1.0";
  src = ../..;
  nativeBuildInputs = [ pkgs.autoreconfHook pkgs.pkg-config ];
  buildInputs = with pkgs; [
    hdf5 jansson libjpeg libsixel libwebp libyaml lmdb ncurses pango sqlite stb utf8proc zlib
  ];
  configureFlags = [ "--with-cuda=no" ];
  doInstallCheck = true;
  installCheckPhase = "$out/bin/vilscope tasks";
  meta = {
    description = "Terminal workbench for the 12-in-1 vision-and-language model";
    license = pkgs.lib.licenses.mit;
    mainProgram = "vilscope";
  };
}
