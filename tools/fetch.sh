#!/bin/sh
# Runs a command that fetches $1, and says what to do when it cannot.
what=$1
shift
"$@" && exit 0
cat >&2 <<END

Could not fetch $what. The reason is in the lines above.
Setting up needs the network once, to reach the Python package index (and npm's, for the pages). Behind a proxy, set
HTTPS_PROXY; with an index of your own, set PIP_INDEX_URL and UV_INDEX_URL. Then run the same command again: it goes on from here.
END
exit 1
