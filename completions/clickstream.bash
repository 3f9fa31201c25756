# completions/clickstream.bash - completion of clickstream for bash
#
# Made by scripts/manual; do not edit.

# Set words and files for the value of option $2 of command $1; fail where it takes none.
_clickstream_value() {
    case $1:$2 in
    init:--schema) ;;
    init:--target) words='postgres redshift' ;;
    init:--partition) words='none month' ;;
    init:-d|init:--dbname) ;;
    init:-h|init:--host) ;;
    init:-p|init:--port) ;;
    init:-U|init:--username) ;;
    init:--log-format) words='text json' ;;
    init:--progress) words='auto json none' ;;
    encode:-o|encode:--output) files=yes ;;
    encode:--codec) words='deflate null snappy zstandard bzip2 xz' ;;
    encode:-j|encode:--jobs) ;;
    encode:--max-file-size) ;;
    encode:--partition) words='none day hour' ;;
    encode:--format) words='plain combined json' ;;
    encode:--user-field) words='user host' ;;
    encode:--field) ;;
    encode:--schema) files=yes ;;
    encode:--rejects) files=yes ;;
    encode:--max-rejects) ;;
    encode:--segment-time) ;;
    encode:--segment-size) ;;
    encode:--target) words='any redshift' ;;
    encode:--log-format) words='text json' ;;
    encode:--progress) words='auto json none' ;;
    load:-t|load:--table) ;;
    load:--schema) ;;
    load:--format) words='auto movielens' ;;
    load:--map) ;;
    load:--columns) ;;
    load:--encoding) ;;
    load:--delimiter) ;;
    load:--null) ;;
    load:-j|load:--jobs) ;;
    load:--batch) ;;
    load:--rejects) files=yes ;;
    load:--max-rejects) ;;
    load:--on-conflict) words='fail nothing update' ;;
    load:--retries) ;;
    load:--target) words='postgres redshift' ;;
    load:--stage) ;;
    load:--iam-role) ;;
    load:--region) ;;
    load:--slices) ;;
    load:--s3-addressing) words='auto path virtual' ;;
    load:--s3-timeout) ;;
    load:-o|load:--output) files=yes ;;
    load:--input-format) words='plain combined json' ;;
    load:--user-field) words='user host' ;;
    load:--field) ;;
    load:--segment-time) ;;
    load:--segment-size) ;;
    load:-d|load:--dbname) ;;
    load:-h|load:--host) ;;
    load:-p|load:--port) ;;
    load:-U|load:--username) ;;
    load:--log-format) words='text json' ;;
    load:--progress) words='auto json none' ;;
    status:-t|status:--table) ;;
    status:--schema) ;;
    status:--format) words='table csv json' ;;
    status:-d|status:--dbname) ;;
    status:-h|status:--host) ;;
    status:-p|status:--port) ;;
    status:-U|status:--username) ;;
    status:--log-format) words='text json' ;;
    status:--progress) words='auto json none' ;;
    unload:-t|unload:--table) ;;
    unload:--schema) ;;
    unload:-d|unload:--dbname) ;;
    unload:-h|unload:--host) ;;
    unload:-p|unload:--port) ;;
    unload:-U|unload:--username) ;;
    unload:--log-format) words='text json' ;;
    unload:--progress) words='auto json none' ;;
    report:--from) ;;
    report:--to) ;;
    report:--gap) ;;
    report:--frame) words='start overlap' ;;
    report:--format) words='table csv json html' ;;
    report:--timezone) ;;
    report:--schema) ;;
    report:--mapping) files=yes ;;
    report:--input-format) words='plain combined json' ;;
    report:--user-field) words='user host' ;;
    report:--field) ;;
    report:--path-prefix) ;;
    report:-j|report:--jobs) ;;
    report:--memory) ;;
    report:--rejects) files=yes ;;
    report:--max-rejects) ;;
    report:-d|report:--dbname) ;;
    report:-h|report:--host) ;;
    report:-p|report:--port) ;;
    report:-U|report:--username) ;;
    report:--log-format) words='text json' ;;
    report:--progress) words='auto json none' ;;
    inspect:--format) words='table json' ;;
    inspect:--max-block-bytes) ;;
    inspect:--log-format) words='text json' ;;
    inspect:--progress) words='auto json none' ;;
    cat:--columns) ;;
    cat:--limit) ;;
    cat:--schema) files=yes ;;
    cat:--max-block-bytes) ;;
    cat:--log-format) words='text json' ;;
    cat:--progress) words='auto json none' ;;
    verify:--max-errors) ;;
    verify:--max-block-bytes) ;;
    verify:--target) words='postgres redshift' ;;
    verify:--log-format) words='text json' ;;
    verify:--progress) words='auto json none' ;;
    recommend:-m|recommend:--model) ;;
    recommend:-n|recommend:--count) ;;
    recommend:--schema) ;;
    recommend:-d|recommend:--dbname) ;;
    recommend:-h|recommend:--host) ;;
    recommend:-p|recommend:--port) ;;
    recommend:-U|recommend:--username) ;;
    recommend:--log-format) words='text json' ;;
    recommend:--progress) words='auto json none' ;;
    serve:--listen) ;;
    serve:--http-port) ;;
    serve:--workers) ;;
    serve:-m|serve:--model) ;;
    serve:--schema) ;;
    serve:-d|serve:--dbname) ;;
    serve:-h|serve:--host) ;;
    serve:-p|serve:--port) ;;
    serve:-U|serve:--username) ;;
    serve:--log-format) words='text json' ;;
    serve:--progress) words='auto json none' ;;
    *) return 1 ;;
    esac
}

# Set words and files for what may stand behind command $1: options and operands.
_clickstream_command() {
    case $1 in
    '' | --*) words='init encode load status unload report inspect cat verify recommend serve help --help
               --version' ;;
    help) words='init encode load status unload report inspect cat verify recommend serve --options' ;;
    init)
        words='--schema --target --partition -d --dbname -h --host -p --port -U --username -v
               --verbose --log-format --progress --help --version'
        files= ;;
    encode)
        words='-o --output --codec -j --jobs --max-file-size --partition --format --user-field
               --field --schema --rejects --max-rejects --force --follow --segment-time
               --segment-size --target -v --verbose --log-format --progress --help --version'
        files=yes ;;
    load)
        words='-t --table --schema --format --map --columns --encoding --delimiter --null -j --jobs
               --batch --rejects --max-rejects --on-conflict --truncate --freeze --dry-run --retries
               --again --target --stage --iam-role --region --slices --s3-addressing --s3-timeout
               --keep-staged --follow -o --output --input-format --user-field --field --segment-time
               --segment-size --remove-segments -d --dbname -h --host -p --port -U --username -v
               --verbose --log-format --progress --help --version'
        files=yes ;;
    status)
        words='-t --table --schema --format --rejects --running -d --dbname -h --host -p --port -U
               --username -v --verbose --log-format --progress --help --version'
        files=yes ;;
    unload)
        words='-t --table --schema --dry-run --force -d --dbname -h --host -p --port -U --username
               -v --verbose --log-format --progress --help --version'
        files=yes ;;
    report)
        words='--from --to --gap --frame --format --timezone --schema --mapping --input-format
               --user-field --field --path-prefix -j --jobs --memory --rejects --max-rejects -d
               --dbname -h --host -p --port -U --username -v --verbose --log-format --progress
               --help --version'
        files=yes ;;
    inspect)
        words='--format --schema --max-block-bytes -v --verbose --log-format --progress --help
               --version'
        files=yes ;;
    cat)
        words='--columns --limit --schema --max-block-bytes --salvage -v --verbose --log-format
               --progress --help --version'
        files=yes ;;
    verify)
        words='--max-errors --max-block-bytes --reference --target -v --verbose --log-format
               --progress --help --version'
        files=yes ;;
    recommend)
        words='-m --model -n --count --titles --because --schema -d --dbname -h --host -p --port -U
               --username -v --verbose --log-format --progress --help --version'
        files= ;;
    serve)
        words='--listen --http-port --workers -m --model --schema -d --dbname -h --host -p --port -U
               --username -v --verbose --log-format --progress --help --version'
        files= ;;
    esac
}

_clickstream() {
    local words='' files='' current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
    local command=''

    [ "$COMP_CWORD" -le 1 ] || command=${COMP_WORDS[1]}
    # "=" is a word of its own here: --format=csv is three of them.
    if [ "$current" = = ]; then
        current=
    elif [ "$before" = = ] && [ "$COMP_CWORD" -gt 2 ]; then
        before=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    _clickstream_value "$command" "$before" || _clickstream_command "$command"
    COMPREPLY=()
    if [ -n "$files" ] && [[ $current != -* ]]; then
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
    else
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
    fi
}

complete -F _clickstream clickstream
