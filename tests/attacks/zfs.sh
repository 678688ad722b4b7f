#!/bin/sh
# In place of zfs: the host of facts.toml. Answers what the gate asks before it decides, and starts nothing for it.
case "$1" in
    get)
        case "$*" in
            *"-o name,property,value"*)
                while [ "$1" != -- ]; do shift; done
                properties=$2
                shift 2
                IFS=,
                for dataset in "$@"; do
                    for property in $properties; do printf '%s\t%s\t-\n' "$dataset" "$property"; done
                done ;;
            */enc) echo aes-256-gcm ;;
            *) echo off ;;
        esac ;;
    list)
        for dataset in "$@"; do :; done
        case $dataset in backup/*) guid=3000 ;; */enc) guid=2000 ;; *) guid=1000 ;; esac
        case "$*" in
            *"-t snapshot"*)
                number=0
                for name in a b important hourly daily syncoid_a syncoid_b syncoid_t syncoid_z zz; do
                    printf '%s\t%s\t%s\t%s\t0\t-\n' "$dataset@$name" $((guid + number)) $((100 + number)) \
                        $((1793491200 + number * 86400))
                    number=$((number + 1))
                done ;;
            *"-t bookmark"*) printf '%s\t%s\n' "$dataset#b1" "$guid" ;;
            *) echo "$dataset" ;;
        esac ;;
esac
