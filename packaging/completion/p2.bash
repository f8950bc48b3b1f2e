# bash completion for p2(8)
_p2() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
    [ "$previous" != = ] || previous=${COMP_WORDS[COMP_CWORD - 2]}
    case "$previous" in
        -c | --config | --pidfile)
            compopt -o filenames
            mapfile -t COMPREPLY < <(compgen -f -- "${current#=}")
            return
            ;;
        import | export | backup)
            compopt -o filenames
            mapfile -t COMPREPLY < <(compgen -f -- "$current")
            return
            ;;
    esac
    case "$current" in
        -*)
            mapfile -t COMPREPLY < <(compgen -W "--config= --daemon --help --pidfile= --umask= --version" -- "$current")
            [[ "${COMPREPLY[0]:-}" != *= ]] || compopt -o nospace
            ;;
        *) mapfile -t COMPREPLY < <(compgen -W "setup check settings status list push forget import export backup" -- "$current") ;;
    esac
}
complete -F _p2 p2
