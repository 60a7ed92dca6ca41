# Completion for fish. The program itself says what can be typed: a line for each word with a tab
# and what it means, ":files" or ":folders" where those can stand.
function __vilscope_complete
    set -l typed (commandline -opc) (commandline -ct)
    for line in ($typed[1] completions list -- $typed[2..-1] 2>/dev/null)
        switch $line
            case ':files'
                __fish_complete_path (commandline -ct)
            case ':folders'
                __fish_complete_directories (commandline -ct)
            case '*'
                echo $line
        end
    end
end
complete -c vilscope -f -a '(__vilscope_complete)'
