#!/bin/sh
# Makes the secrets that deploy/compose.yaml hands to the containers, in deploy/secrets. What is there already stays as it is.
set -eu
cd "$(dirname "$0")"
umask 077
mkdir -p secrets

random() { od -An -N32 -tx1 /dev/urandom | tr -d ' \n'; }

# Containers read them as a user that this machine does not know; the folder, which only its owner may enter, keeps others out.
keep() {
    [ -e "secrets/$1" ] || printf '%s\n' "$2" > "secrets/$1"
    chmod 0644 "secrets/$1"
}

keep postgres_password "$(random)"
keep valkey_password "$(random)"
keep secret_key "$(random)"
keep admin_api_key "dk_$(random)"
# Yours to fill in where you use them; an empty one counts as none.
for optional in model_api_key redis_encryption_keys backup_encryption_keys oidc_client_secret widget_secret; do
    keep $optional ""
done
keep database_url "postgresql://deskhand:$(cat secrets/postgres_password)@postgres:5432/deskhand"
keep redis_url "redis://:$(cat secrets/valkey_password)@valkey:6379/0"
keep valkey_conf "requirepass $(cat secrets/valkey_password)
save \"\"
appendonly no
maxmemory 512mb
maxmemory-policy volatile-lru"
echo "The secrets are in $(pwd)/secrets; the staff key is in admin_api_key."
