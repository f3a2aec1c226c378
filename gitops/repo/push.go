package repo

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"lockstep/gitops"
)

// Push commits files (path → whole new content) on base, in the words and at the
// time of change, sets the branch change.Branch to that commit and returns its id.
// Every path must be a regular file of base; its mode stays.
//
// The branch must stand at tip now, "" for a branch that does not exist; the server
// checks this again in the moment of the write. A branch that stands at the very
// commit already is a success, so Push may be repeated after an error that does not
// say what happened. The error wraps gitops.ErrConflict when the branch stands
// elsewhere, gitops.ErrRefused when a rule of the server or the change itself is in
// the way, gitops.ErrNotFound when a file is not in base; then nothing was written.
func (r *Repo) Push(ctx context.Context, base *Snapshot, change gitops.Change, files map[string][]byte, tip string) (string, error) {
	var made oid
	err := r.write(ctx, fmt.Sprintf("push branch %q", change.Branch), func() (move, error) {
		m, err := newMove(change.Branch, tip)
		if err != nil {
			return m, err
		}
		d, err := r.commit(base, change, files)
		if err != nil {
			return m, err
		}
		made = d.id()
		m.to, m.objects = made, d.objects
		return m, nil
	})
	if err != nil {
		return "", err
	}
	return made.String(), nil
}

// Delete removes branch, which must stand at tip now. One that is gone already is a
// success. The error wraps gitops.ErrConflict when the branch stands elsewhere and
// gitops.ErrRefused when a rule of the server is in the way.
func (r *Repo) Delete(ctx context.Context, branch, tip string) error {
	return r.write(ctx, fmt.Sprintf("delete branch %q", branch), func() (move, error) {
		if tip == "" {
			return move{}, errors.New("the commit at which the branch stands is not given")
		}
		return newMove(branch, tip)
	})
}

// A move sets one branch from one commit to another. The zero id stands for no
// branch.
type move struct {
	ref      string // full name
	from, to oid
	objects  []written // those of to that the server lacks; nil for a removal
}

// newMove returns the move that takes branch from tip to nowhere, or a sentence
// about what cannot be the name of a branch or the id of a commit.
func newMove(branch, tip string) (move, error) {
	m := move{ref: "refs/heads/" + branch}
	if !validBranch(branch) {
		return m, fmt.Errorf("%w: not a name that git allows for a branch", gitops.ErrRefused)
	}
	if tip == "" {
		return m, nil
	}
	from, ok := parseOID(tip)
	if !ok {
		return m, fmt.Errorf("%q is not the id of a commit: 40 hexadecimal digits", tip)
	}
	m.from = from
	return m, nil
}

// validBranch reports that git allows name for a branch.
// Source: git-check-ref-format(1).
func validBranch(name string) bool {
	odd := func(r rune) bool { return r <= ' ' || r == 0x7f || strings.ContainsRune(`~^:?*[\`, r) }
	if name == "" || name == "@" || name[0] == '-' || strings.ContainsFunc(name, odd) ||
		strings.Contains(name, "..") || strings.Contains(name, "@{") || strings.HasSuffix(name, ".") {
		return false
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == "" || part[0] == '.' || strings.HasSuffix(part, ".lock") {
			return false
		}
	}
	return true
}

// A sink is an open session that writes.
type sink struct {
	*session
	hello *greeting
}

// write sends the move that plan returns, in a session that writes. plan comes before
// anything is sent.
func (r *Repo) write(ctx context.Context, doing string, plan func() (move, error)) error {
	return r.within(ctx, doing, func(ctx context.Context, s *session) error {
		m, err := plan()
		if err != nil {
			return err
		}
		hello, err := s.welcome(ctx, receivePack)
		if err != nil {
			return err
		}
		to := &sink{session: s, hello: hello}
		return to.send(ctx, m)
	})
}

// send carries out m unless it has happened already.
func (s *sink) send(ctx context.Context, m move) error {
	stands := s.hello.refs[m.ref] // zero when there is no such branch
	switch {
	case stands == m.to:
		return nil
	case stands != m.from:
		return fmt.Errorf("%w: the branch %s, expected was that it %s", gitops.ErrConflict, where(stands), where(m.from))
	}
	if other := s.inTheWay(m.ref); other != "" {
		return fmt.Errorf("%w: the branch %q is in the way, git cannot hold both; delete it", gitops.ErrRefused, other)
	}
	// From here the branch may have moved, whatever comes back.
	return s.update(ctx, m)
}

// where says where a branch stands.
func where(id oid) string {
	if id.zero() {
		return "does not exist"
	}
	return fmt.Sprintf("stands at %.8s", id)
}

// inTheWay returns a branch that is a directory of ref, or the other way round, or
// "". Git would report that as a race, for ever.
func (s *sink) inTheWay(ref string) string {
	for name := range s.hello.refs {
		if strings.HasPrefix(name, ref+"/") || strings.HasPrefix(ref, name+"/") {
			return strings.TrimPrefix(name, "refs/heads/")
		}
	}
	return ""
}

// quiet asks for no progress, which would stand before what hooks say.
func (s *sink) quiet() string {
	if s.hello.has("quiet") {
		return " quiet"
	}
	return ""
}

// update sends m and returns nil only if the server reports that it was done: a
// refusal, too, arrives with status 200, and so may an empty answer.
func (s *sink) update(ctx context.Context, m move) error {
	if err := s.hello.needs("report-status", "side-band-64k"); err != nil {
		return err
	}
	ask := pkt(nil, "%s %s %s\x00report-status side-band-64k%s\n", m.from, m.to, m.ref, s.quiet())
	ask = pktMark(ask, flush)
	if m.objects != nil {
		objects, err := pack(m.objects, !s.hello.has("no-thin"))
		if err != nil {
			return err
		}
		ask = append(ask, objects...)
	}
	body, err := s.post(ctx, receivePack, "", ask)
	if err != nil {
		return err
	}
	defer body.Close()
	b := &band{lines: newLines(body)}
	report, err := readReport(newLines(b))
	if err != nil {
		return fmt.Errorf("whether the server took the push is not known: %w", err)
	}
	_ = b.drain() // the report is what counts; the rest only frees the connection
	return report.judge(m.ref, string(b.remarks))
}
