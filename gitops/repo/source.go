package repo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"lockstep/gitops"
)

// What a server that can filter need not send. One that cannot sends everything.
const (
	everything = ""
	justWanted = "tree:0"        // nothing below the commit or the trees that are wanted
	smallFiles = "blob:limit=1m" // no file of tooLarge or more
)

// levels lets through the first n levels of trees, and the files above the last. Files
// could be kept out as well by combining filters, but git then walks the whole tree.
func levels(n int) string { return fmt.Sprintf("tree:%d", n) }

// A source is an open session that reads.
type source struct {
	*session
	hello *greeting
	known *memory
}

// fresh is how long a greeting is believed, so that a read need not begin with it.
const fresh = 10 * time.Minute

// read opens a session that reads, and does work in it. A greeting of the second
// version is remembered; where work fails with a remembered one, it is asked for again
// if that may help.
func (r *Repo) read(ctx context.Context, doing string, work func(context.Context, *source) error) error {
	return r.within(ctx, doing, func(ctx context.Context, s *session) error {
		from := &source{session: s, known: &r.memory}
		if from.hello = r.memory.greeting(); from.hello != nil {
			s.at = from.hello.at
			err := work(ctx, from)
			if err == nil || knowledge(err) || hopeless(err) || ctx.Err() != nil {
				return err
			}
			r.memory.keep(nil)
		}
		var err error
		if s.at, err = address(r.URL); err != nil {
			return err
		}
		if from.hello, err = s.welcome(ctx, uploadPack); err != nil {
			return err
		}
		if from.hello.second {
			r.memory.keep(from.hello)
		}
		return work(ctx, from)
	})
}

// head returns the id of the commit at the head of branch.
func (s *source) head(ctx context.Context, branch string) (oid, error) {
	refs := s.hello.refs
	if s.hello.second {
		var err error
		if refs, err = s.list(ctx, "refs/heads/"+branch); err != nil {
			return oid{}, err
		}
	}
	id, ok := refs["refs/heads/"+branch]
	if !ok {
		return id, gitops.ErrNotFound
	}
	return id, nil
}

// list returns the refs whose names begin with prefix.
func (s *source) list(ctx context.Context, prefix string) (map[string]oid, error) {
	if strings.ContainsAny(prefix, "\n\x00") {
		return nil, nil // no ref is called so
	}
	ask := pkt(nil, "command=ls-refs\n")
	ask = pktMark(ask, delim)
	ask = pkt(ask, "ref-prefix %s\n", prefix)
	body, err := s.post(ctx, uploadPack, protocol2, pktMark(ask, flush))
	if err != nil {
		return nil, err
	}
	defer body.Close()
	g := newGreeting()
	l := newLines(body)
	if _, err = l.each(g.ref); err != nil {
		return nil, err
	}
	return g.refs, l.drain()
}

// A query is what is fetched at once.
type query struct {
	wants  []oid
	tip    bool   // wants is a commit, whose history is left out
	filter string // everything, justWanted …
}

// fetch reads the objects that q wants into got.
func (s *source) fetch(ctx context.Context, q query, got objects) error {
	ask := q.first()
	version := ""
	if s.hello.second {
		ask, version = q.second(), protocol2
	}
	body, err := s.post(ctx, uploadPack, version, ask)
	if err != nil {
		return err
	}
	defer body.Close()
	l := newLines(body)
	if err := s.toPack(l); err != nil {
		return err
	}
	b := &band{lines: l}
	if err := got.unpack(b); err != nil {
		var server said
		if errors.As(err, &server) {
			return err
		}
		return fmt.Errorf("read the pack: %v", err)
	}
	return l.drain()
}

// first writes q in the first version of the protocol, without a filter: a server
// that speaks only that hands out whole commits alone.
func (q query) first() []byte {
	ask := pkt(nil, "want %s side-band-64k shallow no-progress\n", q.wants[0])
	ask = pktMark(pkt(ask, "deepen 1\n"), flush)
	return pkt(ask, "done\n")
}

// second writes q in the second version of the protocol.
func (q query) second() []byte {
	ask := pktMark(pkt(nil, "command=fetch\n"), delim)
	ask = pkt(ask, "no-progress\n")
	for _, id := range q.wants {
		ask = pkt(ask, "want %s\n", id)
	}
	if q.tip {
		ask = pkt(ask, "deepen 1\n")
	}
	if q.filter != everything {
		ask = pkt(ask, "filter %s\n", q.filter)
	}
	return pktMark(pkt(ask, "done\n"), flush)
}

// toPack reads what stands before the pack: the second version has sections with
// names, the first the limits of history and the word that nothing is in common.
func (s *source) toPack(l *lines) error {
	for {
		line, m, err := l.next()
		switch word := strings.TrimSuffix(string(line), "\n"); {
		case err != nil:
			return err
		case m == text && (word == "packfile" || word == "NAK" && !s.hello.second):
			return nil
		}
	}
}

// drain reads the rest of an answer, which leaves the connection free for the next
// request.
func (l *lines) drain() error {
	_, err := io.Copy(io.Discard, l.from)
	return err
}
