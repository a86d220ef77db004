#!/bin/sh
# Builds both images without a container engine and tries them: buildah with chroot isolation, on a base that debootstrap
# makes; then server and worker run as the images say, as their user, on a read-only root, without any capability.
# For machines where no image registry and no engine can be reached; as root, with buildah, debootstrap and curl installed.
#
#   sh deploy/prove_images.sh [FOLDER]     FOLDER (/var/tmp/moksori-images) takes about 6 GB and is removed at the end
#
# MOUNTS="FILE:PLACE …" shows files of this machine to builds and runs, such as its pip.conf. KEEP=1 keeps FOLDER.
set -eu
cd "$(dirname "$0")/.."
folder=${1:-/var/tmp/moksori-images}
base=$folder/base
port=18000
mounts="/etc/resolv.conf:/etc/resolv.conf ${MOUNTS:-}"
mkdir -p "$folder"
if curl -s "http://127.0.0.1:$port/health" > /dev/null; then echo "port $port is taken"; exit 1; fi

store() { buildah --root "$folder/storage" --runroot "$folder/run" --storage-driver vfs "$@"; }
say() { printf '\n== %s\n' "$*"; }
end() {
  for pid in "$folder"/*.pid; do
    [ ! -f "$pid" ] || kill "$(cat "$pid")" 2> /dev/null || true
  done
  wait
  [ -n "${KEEP:-}" ] || rm -rf "$folder"
}
trap end EXIT

say "base: Debian bookworm with its Python 3.11"
if ! store inspect --type image moksori-base > /dev/null 2>&1; then
  [ -x "$base/usr/bin/python3" ] \
    || debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates bookworm "$base" > /dev/null
  container=$(store from scratch)
  store add -q "$container" "$base" / > /dev/null
  store commit -q "$container" moksori-base > /dev/null
  store rm "$container" > /dev/null
fi

build() {
  name=$1
  say "build $name"
  options=
  for mount in $mounts; do options="$options --volume $mount:ro"; done
  # shellcheck disable=SC2086  # each option is a word
  store build --isolation chroot --format docker --pull-never $options \
    --build-arg BASE=localhost/moksori-base -t "$name" -f "$2" . > "$folder/$name.log" 2>&1 \
    || { tail -40 "$folder/$name.log"; exit 1; }
}
build moksori-flask Dockerfile.flask
build moksori-worker Dockerfile.worker
store images --format '{{.Name}} {{.Size}}'

# One container of each image; `inside` runs a command there as an engine would with --read-only --cap-drop ALL. With NAME its
# process can be found again, whatever shells are around it.
for image in moksori-flask moksori-worker; do
  root=$(store mount "$(store from --pull-never "$image")")
  for mount in $mounts; do touch "$root${mount#*:}"; done
  echo "$root" > "$folder/$image.root"
  store inspect --type image --format '{{range .OCIv1.Config.Env}}{{println .}}{{end}}' "$image" > "$folder/$image.env"
done
mkdir -p "$folder/data" "$folder/scratch"
chown -R 10001:10001 "$folder/data" "$folder/scratch"
inside() {
  image=$1
  shift
  # shellcheck disable=SC2016,SC2046  # the inner shell's own; a variable of the image is a word
  ROOT=$(cat "$folder/$image.root") FOLDER=$folder MOUNTS=$mounts NAME=${NAME:-} unshare --mount sh -eu -c '
    [ -z "$NAME" ] || echo $$ > "$FOLDER/$NAME.pid"
    mount --bind "$ROOT" "$ROOT"
    mount -t proc proc "$ROOT/proc"
    mount --rbind /dev "$ROOT/dev"
    mount -t tmpfs tmpfs "$ROOT/tmp"
    mount --bind "$FOLDER/data" "$ROOT/var/lib/moksori"
    mount --bind "$FOLDER/scratch" "$ROOT/scratch"
    for mount in $MOUNTS; do mount --bind "${mount%%:*}" "$ROOT${mount#*:}"; done
    mount -o remount,ro,bind "$ROOT"
    exec chroot "$ROOT" setpriv --reuid 10001 --regid 10001 --clear-groups --no-new-privs \
      --bounding-set=-all --inh-caps=-all sh -c "cd /app && exec \"\$@\"" sh "$@"
  ' sh env -i $(cat "$folder/$image.env") "MOKSORI_PORT=$port" "MOKSORI_PUBLIC_URL=http://127.0.0.1:$port" "$@"
}
soon() {
  for _ in $(seq 120); do
    if "$@" > /dev/null 2>&1; then return; fi
    sleep 1
  done
  echo "after two minutes still not so: $*"
  tail -20 "$folder"/*.log
  exit 1
}

say "who runs, and where it may write"
for image in moksori-flask moksori-worker; do
  [ "$(inside "$image" id -u)" = 10001 ]
  for path in / /app /opt/moksori /etc; do
    if inside "$image" touch "$path/x" 2> /dev/null; then echo "$image can write to $path"; exit 1; fi
  done
  inside "$image" sh -c 'grep -E "^Cap(Prm|Eff|Bnd)" /proc/self/status | grep -qv 0000000000000000' && exit 1
done
echo "both as 10001, without capabilities, nowhere but data, scratch and /tmp"

say "server: refused without a key, then with one"
inside moksori-flask moksori migrate 2> /dev/null
if inside moksori-flask gunicorn -c python:server.gunicorn server.wsgi:app 2> "$folder/refused"; then exit 1; fi
grep "does not start" "$folder/refused"
inside moksori-flask moksori keys create --name proof --scope speak --scope transcribe --scope read > "$folder/key" 2> /dev/null
key=$(grep -oE 'mks_[A-Za-z0-9_-]+' "$folder/key" | head -1)
command=$(store inspect --type image --format '{{range .OCIv1.Config.Cmd}}{{.}} {{end}}' moksori-flask)
# shellcheck disable=SC2086  # the image's words
NAME=server inside moksori-flask $command > "$folder/server.log" 2>&1 &
soon inside moksori-flask python -m server.health_check
curl -sf "http://127.0.0.1:$port/health"; echo

say "worker: weights into their volume, then ready"
inside moksori-worker moksori prepare --fetch
inside moksori-worker celery -A worker.app --version
if inside moksori-worker python -m worker.health; then echo "healthy before it runs"; exit 1; fi
mkfifo "$folder/held"
NAME=worker inside moksori-worker python -m worker.embedded < "$folder/held" > "$folder/worker.log" 2>&1 &
exec 9> "$folder/held"
soon inside moksori-worker python -m worker.health

say "a text becomes a WAV, the WAV a text"
curl -sf "http://127.0.0.1:$port/v1/audio/speech" -H "Authorization: Bearer $key" -H 'Content-Type: application/json' \
  -d '{"model": "tts-1", "voice": "1", "response_format": "wav", "input": "안녕하세요. 만나서 반갑습니다."}' -o "$folder/said.wav"
head -c 4 "$folder/said.wav"; echo
curl -sf "http://127.0.0.1:$port/v1/audio/transcriptions" -H "Authorization: Bearer $key" -F "file=@$folder/said.wav" \
  -F model=whisper-1 -F language=ko; echo
exec 9>&-
say "proved"
