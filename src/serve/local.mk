# A server of opened models.
libcore_a_SOURCES += \
	src/serve/clients.c src/serve/clients.h \
	src/serve/offer.c src/serve/offer.h \
	src/serve/requests.c src/serve/requests.h \
	src/serve/serve.c src/serve/serve.h
