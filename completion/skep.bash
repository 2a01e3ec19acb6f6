# skep.bash - completion of the skep command for bash.
#
# Options come from the tables that `skep help VERB` prints, so that this file has no list of its own to keep.

_skep_words() { # the options of a verb, each with its two dashes
    skep help "$1" 2>/dev/null | sed -n 's/^  \(-., \)\{0,1\} *\(--[a-z-]*\).*/\2/p'
}

_skep() {
    local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} verb="" i
    COMPREPLY=()

    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
        -*) ;;
        *) verb=${COMP_WORDS[i]} && break ;;
        esac
    done
    if [[ -z $verb || $verb == help ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$(skep help 2>/dev/null | sed -n 's/^  \([a-z]*\) .*/\1/p')" -- "$word")
        return
    fi
    case $previous in
    --engine) mapfile -t COMPREPLY < <(compgen -W "interp kernel" -- "$word") ; return ;;
    --clock) mapfile -t COMPREPLY < <(compgen -W "real frozen capture" -- "$word") ; return ;;
    --style) mapfile -t COMPREPLY < <(compgen -W "llvm bpftool" -- "$word") ; return ;;
    --format)
        case $verb in
        btf) mapfile -t COMPREPLY < <(compgen -W "raw c" -- "$word") ;;
        verify) mapfile -t COMPREPLY < <(compgen -W "human json sarif github" -- "$word") ;;
        *) mapfile -t COMPREPLY < <(compgen -W "hex raw" -- "$word") ;;
        esac
        return ;;
    --as) mapfile -t COMPREPLY < <(compgen -W "root bpf guest" -- "$word") ; return ;;
    --caps) mapfile -t COMPREPLY < <(compgen -W "bpf perfmon net_admin sys_admin none" -- "$word") ; return ;;
    --kind) mapfile -t COMPREPLY < <(compgen -W "helper kfunc" -- "$word") ; return ;;
    --prog | --set | --type | --repeat | --seed | --cpus | --max-insns | --max-bytes | --max-ns | --log-level | --flags | \
        --name) return ;;
    esac
    if [[ $word == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$(_skep_words "$verb")" -- "$word")
        return
    fi
    case $verb:$previous in
    btf:btf) mapfile -t COMPREPLY < <(compgen -W "dump" -- "$word") ; return ;;
    explain:explain)
        mapfile -t COMPREPLY < <(compgen -W "$(skep explain 2>/dev/null | sed 's/ .*//')" -- "$word") ; return ;;
    gen:gen) mapfile -t COMPREPLY < <(compgen -W "skeleton" -- "$word") ; return ;;
    esac
    mapfile -t COMPREPLY < <(compgen -f -- "$word")
}

complete -o filenames -F _skep skep
