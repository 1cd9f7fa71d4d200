#!/bin/sh
# sdm @VERSION@ for @SYSTEM@. This one file unpacks itself into the user's cache at the first start; the starts after it go
# straight on. Everything it needs is inside: no network, no installed Deno, no fixed place. The payload begins after this text.
hash=@HASH@
offset=@OFFSET@
umask 077

say() { printf '%s\n' "$*" >&2; }

case "$(uname -s) $(uname -m)" in
  "@SYSTEM@") ;;
  *) say "Cannot start sdm: this is $(uname -s) $(uname -m), the file was packed for @SYSTEM@"; exit 2 ;;
esac

start() {
  DENO_DIR="$1/cache" DENO_NO_UPDATE_CHECK=1
  export DENO_DIR DENO_NO_UPDATE_CHECK
  app=$1
  shift
  exec "$app/deno" run --allow-all --quiet --no-remote --config "$app/program/deno.json" \
    "$app/program/main.ts" "$@"
}

# Folders to unpack into, the first that works. One that another user made is never trusted.
uid=$(id -u)
xdg=${XDG_CACHE_HOME:-}
own=${HOME:-}
shared="${TMPDIR:-/tmp}/sdm-$uid"
for base in "${xdg:+$xdg/sdm}" "${own:+$own/.cache/sdm}" "$shared"; do
  [ -n "$base" ] && [ -O "$base/$hash" ] && [ -x "$base/$hash/deno" ] && start "$base/$hash" "$@"
done

self=$0
[ -f "$self" ] || self=$(command -v -- "$0")

fresh=
trap '[ -n "$fresh" ] && rm -rf "$fresh"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

unpack() {
  mkdir -p "$1" 2>/dev/null && [ -O "$1" ] || return 1
  fresh="$1/.$hash.$$"
  mkdir "$fresh" 2>/dev/null || return 1
  [ -t 2 ] && say "sdm: unpacking into $1 (once)"
  { tail -c "+$offset" "$self" | gzip -dc || : >"$fresh/broken"; } 2>"$fresh/why" |
    tar -xof - -C "$fresh" 2>>"$fresh/why"
  if [ $? -ne 0 ] || [ -e "$fresh/broken" ] || [ ! -f "$fresh/complete" ]; then
    why=$(head -n 1 "$fresh/why" 2>/dev/null)
    rm -rf "$fresh"
    fresh=
    return 1
  fi
  # A rename of folders is atomic: of several first starts one wins. Where the winner's folder stands already, mv puts
  # ours inside it.
  mv "$fresh" "$1/$hash" 2>/dev/null || rm -rf "$fresh"
  rm -rf "$1/$hash/.$hash.$$"
  fresh=
  [ -x "$1/$hash/deno" ]
}

why=
for base in "${xdg:+$xdg/sdm}" "${own:+$own/.cache/sdm}" "$shared"; do
  if [ -n "$base" ] && unpack "$base"; then
    trap - EXIT INT TERM HUP
    start "$base/$hash" "$@"
  fi
done
say "Cannot start sdm: no folder to unpack into (${why:-not writable}), 300 MB are needed in one"
say "Hint: XDG_CACHE_HOME=/path/to/folder $0"
exit 2
