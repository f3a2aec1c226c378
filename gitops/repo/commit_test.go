package repo

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"lockstep/gitops"
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

// What people committed in another encoding, or with a zero byte, is text that any
// database takes.
func TestCommitInAnotherEncoding(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	tree := git(t, s.dir, "", "rev-parse", "main^{tree}")
	const who = "J\xe9r\xf4me <j@example.com> 1700000000 +0100"
	id := git(t, s.dir, fmt.Sprintf("tree %s\nauthor %s\ncommitter %s\nencoding ISO-8859-1\n\ncaf\xe9\x00\n\nLockstep-Run: r1\n", tree, who, who),
		"hash-object", "-t", "commit", "-w", "--stdin", "--literally")
	git(t, s.dir, "", "update-ref", "refs/heads/odd", id)
	tip, err := s.repo.Tip(t.Context(), "odd")
	if want := "caf\uFFFD\uFFFD\n\nLockstep-Run: r1\n"; err != nil || tip.ID != id || tip.Author != "J\uFFFDr\uFFFDme" || tip.Message != want {
		t.Errorf("Tip = %+q, %v", tip, err)
	}
}

// Whatever people configure and write: either no commit is made, or one that git takes
// and that reads as it was meant.
func TestCommitOfAnyWords(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	base := s.base(t)
	words := rapid.OneOf(
		rapid.StringMatching(`[ a-zA-Z.,;:'"()\r\t-]{0,12}`), rapid.StringMatching(`[ a-z<>\n]{0,8}`), rapid.String(),
		rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 12), func(b []byte) string { return string(b) }),
	)
	rapid.Check(t, func(rt *rapid.T) {
		r := &Repo{Project: "env/mda", Author: words.Draw(rt, "author"), Email: words.Draw(rt, "mail")}
		change := gitops.Change{
			Branch: "b", Title: words.Draw(rt, "title"), Body: words.Draw(rt, "body"),
			When: time.Unix(rapid.Int64Range(-10, 1<<40).Draw(rt, "when"), 0),
		}
		d, err := r.commit(base, change, map[string][]byte{values: []byte(bumped)})
		if err != nil {
			return
		}
		content := d.objects[len(d.objects)-1].content
		read, err := newSnapshot(objects{d.id(): {kind: commitKind, content: content}}, d.id())
		switch {
		case err != nil || !utf8.Valid(content):
			rt.Fatalf("%v, %q", err, content)
		case !read.Commit.When.Equal(change.When) || len(read.Commit.Parents) != 1 || read.Commit.Parents[0] != base.Commit.ID:
			rt.Fatalf("it reads as %+v", read.Commit)
		case read.Commit.Author == "" || !strings.HasSuffix(read.Commit.Message, "\n"):
			rt.Fatalf("it reads as %+v", read.Commit)
		}
		if _, err := run(s.dir, string(content), "hash-object", "-t", "commit", "--stdin"); err != nil { // checks as fsck does
			rt.Fatalf("%v: %q", err, content)
		}
	})
}
