package data

import (
	"context"
	"errors"
	"fmt"
	"iter"
)

// An object is one of those that a version consists of.
type object struct {
	key    string // below the prefix
	size   int64
	sha256 string // in base64; "" where nobody declared it
	at     string // where a pass goes on behind it
	list   bool   // it is the manifest, which is not counted
}

// A problem is why a version cannot be used, for people. It is an answer that travels
// as an error.
type problem string

func (p problem) Error() string { return string(p) }

// problemf returns a problem.
func problemf(format string, args ...any) error { return problem(fmt.Sprintf(format, args...)) }

// unfinished says that the time of a call was over while work on a large object was
// under way: so many of its bytes are done, and the next call goes on from there.
type unfinished int64

func (u unfinished) Error() string { return fmt.Sprintf("unfinished: %d bytes are done", int64(u)) }

// ahead is how many objects, for each of those that are worked on at once, may be done
// while one before them is not. They are gone through again in the next call.
const ahead = 4

// A task is the work on one object.
type task struct {
	object
	done chan error
}

// walk does something with each object, several at once, until the time is over. It
// advances the cursor over those that are done without a gap. It returns only when
// nothing is under way any more, and reports whether all are done.
func (s *pass) walk(ctx context.Context, objects iter.Seq2[object, error], do func(context.Context, object) error) (done bool, err error) {
	w := walker{pass: s, busy: make(chan struct{}, s.concurrency())}
	all, begun := true, false
	for o, wrong := range objects {
		if wrong != nil {
			err = wrong
			break
		}
		if w.stopped() || begun && s.over() {
			all = false
			break
		}
		begun = true
		w.start(ctx, o, do)
	}
	for len(w.queue) > 0 {
		w.settle()
	}
	if err != nil {
		w.note(err)
	}
	return all && w.first == nil, w.result()
}

// A walker holds the tasks of a walk that were started and not settled, in order.
type walker struct {
	*pass
	busy  chan struct{} // one in it for each object that is worked on
	queue []task
	first error // the first that went wrong; behind it nothing advances
	no    error // the first problem, which decides whatever else went wrong
	size  int64 // bytes that are done of unfinished objects
}

// start begins the work on an object, when there is room for it.
func (w *walker) start(ctx context.Context, o object, do func(context.Context, object) error) {
	if len(w.queue) == ahead*cap(w.busy) {
		w.settle()
	}
	t := task{o, make(chan error, 1)}
	w.queue = append(w.queue, t)
	w.busy <- struct{}{}
	go func() {
		defer func() { <-w.busy }()
		t.done <- do(ctx, o)
	}()
}

// stopped reports that something went wrong with an object that is known to be over.
func (w *walker) stopped() bool {
	for len(w.queue) > 0 && len(w.queue[0].done) > 0 {
		w.settle()
	}
	return w.first != nil
}

// settle waits for the first task of the queue.
func (w *walker) settle() {
	t := w.queue[0]
	w.queue = w.queue[1:]
	if err := <-t.done; err != nil {
		w.note(err)
		return
	}
	if w.first == nil {
		w.advance(t.object)
	}
}

// note keeps what went wrong.
func (w *walker) note(err error) {
	var no problem
	var part unfinished
	if w.first == nil {
		w.first = err
	}
	if errors.As(err, &part) {
		w.size += int64(part)
	}
	if w.no == nil && errors.As(err, &no) {
		w.no = err
	}
}

// result returns what a walk has learned, besides how far it came.
func (w *walker) result() error {
	w.partly = w.size
	var part unfinished
	switch {
	case w.no != nil:
		return w.no
	case errors.As(w.first, &part):
		return nil
	}
	return w.first
}
