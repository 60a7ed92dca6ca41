# Homebrew formula. macOS has no seccomp: images need --unsafe-decode there.
class Vilscope < Formula
  desc "Terminal workbench for the 12-in-1 vision-and-language model"
  homepage "https://github.com/vilscope/vilscope"
  url "https://github.com/vilscope/vilscope/releases/download/v0.1.0/vilscope-0.1.0.tar.gz"
  sha256 "0000000000000000000000000000000000000000000000000000000000000000"
  license "MIT"

  depends_on "pkgconf" => :build
  depends_on "stb" => :build
  depends_on "hdf5"
  depends_on "pango"
  depends_on "jansson"
  depends_on "jpeg-turbo"
  depends_on "libsixel"
  depends_on "libyaml"
  depends_on "lmdb"
  depends_on "ncurses"
  depends_on "sqlite"
  depends_on "utf8proc"
  depends_on "webp"
  uses_from_macos "zlib"

  def install
    system "./configure", "--with-cuda=no", *std_configure_args
    system "make", "install"
  end

  test do
    assert_match "refcoco", shell_output("#{bin}/vilscope tasks")
  end
end
