# Models that a server holds open, as a client sees them, and what both sides say.
libcore_a_SOURCES += \
	src/remote/channel.c src/remote/channel.h \
	src/remote/netwire.c src/remote/netwire.h \
	src/remote/remote.c src/remote/remote.h src/remote/remote_priv.h \
	src/remote/remote_net.c \
	src/remote/wire.c src/remote/wire.h
