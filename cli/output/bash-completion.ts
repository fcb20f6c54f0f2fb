/**
 * The completion script for bash. It can be sourced again, and needs no other package. The words of the command line are passed
 * as they are: nothing evaluates them.
 */
export const bashCompletion = `# bash completion for nodesweep
_nodesweep() {
    local current=\${COMP_WORDS[COMP_CWORD]} answer line
    COMPREPLY=()
    answer=$("$1" complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null) || return
    while IFS= read -r line; do
        # A line with a colon in front has no word.
        [[ -z $line || $line == :* ]] && continue
        line=\${line%%$'\\t'*}
        [[ $line == "$current"* ]] && COMPREPLY+=("$line")
    done <<< "$answer"
}
complete -o default -F _nodesweep nodesweep`;
