#!/bin/sh
# Makes random secrets, and the URLs that hold them, in a folder (deploy/secrets). What is there already stays.
#
#   sh deploy/secrets.sh [FOLDER]      POSTGRES_HOST and RABBITMQ_HOST name other hosts than those of docker-compose.yml
set -eu
folder=${1:-$(dirname "$0")/secrets}
umask 077
mkdir -p "$folder"

random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }

# The folder is its owner's alone. The files are readable, as containers read them under other users.
put() {
  [ -s "$folder/$1" ] && return
  printf '%s\n' "$2" > "$folder/.$1.new"
  chmod 444 "$folder/.$1.new"
  mv "$folder/.$1.new" "$folder/$1"
  echo "made $folder/$1"
}

put secret "$(random)"
put postgres_password "$(random)"
put database_url "postgresql://moksori:$(cat "$folder/postgres_password")@${POSTGRES_HOST:-postgres:5432}/moksori"
for side in server worker; do
  put "${side}_broker_url" "amqp://moksori-$side:$(random)@${RABBITMQ_HOST:-rabbitmq:5672}/moksori"
done
