package main

import (
	"fmt"

	"github.com/alecthomas/kong"
	"github.com/willabides/kongplete"
)

// completionCmd prints what makes a shell complete commands and flags.
type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// Help says more than one line.
func (completionCmd) Help() string {
	return `Prints a script for the start file of the shell; lockstep has to be in the PATH.

    bash   lockstep completion bash >> ~/.bashrc
    zsh    lockstep completion zsh >> ~/.zshrc
    fish   lockstep completion fish > ~/.config/fish/completions/lockstep.fish`
}

// completions are the scripts: each lets the shell ask the program itself.
var completions = map[string]string{
	"bash": "complete -o default -C lockstep lockstep\n",
	"zsh": `autoload -U +X compinit && compinit
autoload -U +X bashcompinit && bashcompinit
complete -o default -C lockstep lockstep
`,
	"fish": `function __lockstep_complete
    set -lx COMP_LINE (commandline -cp)
    test -z (commandline -ct)
    and set COMP_LINE "$COMP_LINE "
    lockstep
end
complete -f -c lockstep -a "(__lockstep_complete)"
`,
}

// Run prints the script.
func (c *completionCmd) Run(con *console) error {
	_, err := fmt.Fprint(con.out, completions[c.Shell])
	return err
}

// completed reports that a shell has asked for completions, which are printed.
func completed(parser *kong.Kong) bool {
	answered := false
	kongplete.Complete(parser, kongplete.WithExitFunc(func(int) { answered = true }))
	return answered
}
