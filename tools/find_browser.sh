#!/bin/sh
# Sees to it that the tests of the pages find a Chromium: installs the distribution's where that is allowed, else says how to.
# Never fails: the tests decide what a missing browser means.
[ -n "${DESKHAND_TEST_CHROMIUM:-}" ] && exit 0
for name in chromium chromium-browser google-chrome-stable google-chrome; do
    command -v "$name" >/dev/null 2>&1 && exit 0
done
[ -e /Applications/Chromium.app ] || [ -e "/Applications/Google Chrome.app" ] && exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "Installing the distribution's Chromium for the tests of the pages"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq >/dev/null && apt-get install -y -qq --no-install-recommends chromium >/dev/null && exit 0
fi
echo "No Chromium found: the tests of the pages will not run. Install your distribution's package, as in: sudo apt install chromium" >&2
exit 0
