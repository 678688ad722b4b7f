# What a shell runs in front of a batch of requests, which are its arguments: by turns the functions that a request needs,
# and the request. Nothing here starts a program; a stub is a function, and says by descriptor 9 what it was given: what
# its descriptors are, what came through a pipe, how many words there are, and these, each with a NUL behind it.
exec 9>>"$RECORD" 8<&0 7>&1 6>&2
# Who writes where nobody reads goes on.
trap '' PIPE

# _which DESCRIPTOR KIND NUMBER: its kind, in _kind: most often the one that is the same file as this number. A pipe is
# what it is if it is none of those that can be told by their inode.
_which() {
    if [ "/proc/self/fd/$1" -ef "/proc/self/fd/$3" ]; then _kind=$2
    elif [ "/proc/self/fd/$1" -ef /dev/null ]; then _kind=N
    elif [ "/proc/self/fd/$1" -ef /proc/self/fd/8 ]; then _kind=I
    elif [ "/proc/self/fd/$1" -ef /proc/self/fd/7 ]; then _kind=O
    elif [ "/proc/self/fd/$1" -ef /proc/self/fd/6 ]; then _kind=E
    else _kind=P; fi
}

# _stub ARGV...: which pipe leads where is told by what flows in it.
_stub() {
    _came=
    _which 0 I 8
    _files=$_kind
    if [ "$_kind" = P ]; then
        while IFS= read -r _line; do _came=$_came$_line,; done
    fi
    _which 1 O 7
    _files=$_files$_kind
    if [ "$_kind" = P ]; then printf '1:%s:%s\n' "$1" "$#"; fi
    _which 2 E 6
    _files=$_files$_kind
    if [ "$_kind" = P ]; then printf '2:%s:%s\n' "$1" "$#" >&2; fi
    printf '%s\0' "$_files" "$_came" "$#" "$@" >&9
    return $(($# % 3))
}

sh() (
    eval "$2"
)

_turn=functions
for _text; do
    if [ "$_turn" = functions ]; then
        eval "$_text"
        _turn=request
    else
        eval "$_text"
        printf '=%s\0' "$?" >&9
        _turn=functions
    fi
done
