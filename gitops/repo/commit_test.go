package repo

import (
	"fmt"
	"strings"
	"testing"
)

// A commit is read as git reads it: what stands in other places than git looks at is
// not its tree, nor its parent.
func TestCommitHasOneTree(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	shown := git(t, s.dir, "", "rev-parse", "main^{tree}")
	parent := git(t, s.dir, "", "rev-parse", "main")
	blob := git(t, s.dir, "other\n", "hash-object", "-w", "--stdin")
	hidden := git(t, s.dir, "100644 blob "+blob+"\tREADME.md\n", "mktree")
	const who = "P <p@example.com> 1700000000 +0100"
	for name, extra := range map[string]string{
		"tree":      "tree " + hidden,
		"parent":    "parent " + hidden,
		"signature": "gpgsig -----BEGIN\n tree " + hidden + "\n \n -----END",
		"mergetag":  "mergetag object " + hidden + "\n type commit\n tree " + hidden,
	} {
		id := git(t, s.dir, fmt.Sprintf("tree %s\nparent %s\nauthor %s\ncommitter %s\n%s\n\nm\n", shown, parent, who, who, extra),
			"hash-object", "-t", "commit", "-w", "--stdin", "--literally")
		git(t, s.dir, "", "update-ref", "refs/heads/odd", id)
		if got := git(t, s.dir, "", "log", "-1", "--format=%T %P %an %ct", id); got != shown+" "+parent+" P 1700000000" {
			t.Fatalf("%s: git reads %s", name, got)
		}
		odd, err := s.repo.Branch(t.Context(), "odd")
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got := odd.root.String(); got != shown {
			t.Errorf("%s: the tree is %s, want %s", name, got, shown)
		}
		if c := odd.Commit; strings.Join(c.Parents, " ") != parent || c.Author != "P" || c.When.Unix() != 1700000000 || c.Message != "m\n" {
			t.Errorf("%s: %+v", name, c)
		}
	}
}
