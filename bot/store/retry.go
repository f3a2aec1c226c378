package store

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"lockstep/bot"
)

// retry asks once more for what a run that has ended did not bring to a good end: the
// same version on the same track or, where putting things back failed or did not begin,
// that. key is the identity of the command.
func retry(ctx context.Context, tx Tx, c bot.Command, key string) (bot.Answer, error) {
	r, _, err := load(ctx, tx, c.Run)
	if err != nil {
		return bot.Answer{}, err
	}
	switch {
	case !r.Settled():
		return refused("%s", goesOn(r)), nil
	case r.State == bot.Done:
		return refused("nothing to do: run %s has ended well", r.ID), nil
	case r.State == bot.RolledBack && r.Undoes != "":
		return refused("nothing to do: run %s has put run %s back", r.ID, r.Undoes), nil
	case r.State == bot.RollbackFailed || r.Undoes != "":
		q := undoRequest(c, key, cmp.Or(r.Undoes, r.ID))
		q.Retry = true
		return accept(ctx, tx, q, c.At)
	}
	return onceMore(ctx, tx, c, r, key)
}

// goesOn says how a run that has not ended goes on, for whoever wants it retried.
func goesOn(r *bot.Run) string {
	switch {
	case r.State == bot.Stalled:
		return fmt.Sprintf("run %s is under way and has stalled: say lockstep resume %s, and it tries again", r.ID, r.ID)
	case r.Held != nil:
		return fmt.Sprintf("run %s is under way and %s: say lockstep resume %s", r.ID, r.Held, r.ID)
	}
	return fmt.Sprintf("run %s has not ended, it is %s: there is nothing to retry", r.ID, r.State)
}

// onceMore asks for the version of a run on its track once more, whatever has condemned
// it if the command says why.
func onceMore(ctx context.Context, tx Tx, c bot.Command, r *bot.Run, key string) (bot.Answer, error) {
	q := bot.Request{
		Key: key, Package: r.Package, Track: r.Track, Version: r.Version, Origin: origin(c), By: c.By, ByID: c.ByID, Link: c.Link,
		Reason: c.Reason, From: r.From, Force: c.Reason, Lane: r.Lane, Windows: r.Windows,
	}
	if t := r.Tagged; t != nil {
		q.Subject, q.Commit = fmt.Sprintf("tag %s %s", t.Project, t.Tag), t.Commit
	}
	if c.Reason == "" {
		open, err := underWay(ctx, tx, q.Track, q)
		if err != nil {
			return bot.Answer{}, err
		}
		by, condemned, err := condemnation(ctx, tx, q)
		if err != nil {
			return bot.Answer{}, err
		}
		if condemned && len(open) == 0 {
			return refused("%s %s is condemned on track %s by run %s (%s): say why it is to be deployed all the same: lockstep retry %s REASON",
				q.Package, q.Version, q.Track, by.Run, by.Reason, r.ID), nil
		}
	}
	return accept(ctx, tx, q, c.At)
}

// putBack puts a run back: one that goes forward by a cancel, one that has ended by a run
// of its own. key is the identity of the command; channels hear of the end of a run that
// has not begun.
func putBack(ctx context.Context, tx Tx, c bot.Command, key string, channels func(track string) []string) (bot.Answer, error) {
	r, _, err := load(ctx, tx, c.Run)
	if err != nil {
		return bot.Answer{}, err
	}
	if r.Undoes == "" && r.Cancellable() {
		return order(ctx, tx, c, bot.VerbCancel, channels)
	}
	return accept(ctx, tx, undoRequest(c, key, c.Run), c.At)
}

// order tells a run what a command says, as a verb that runs obey.
func order(ctx context.Context, tx Tx, c bot.Command, verb bot.Verb, channels func(track string) []string) (bot.Answer, error) {
	if err := say(ctx, tx, c.Run, bot.Word{Verb: verb, By: c.By, Reason: c.Reason, At: c.At}, channels); err != nil {
		return bot.Answer{}, err
	}
	r, granted, err := load(ctx, tx, c.Run)
	if err != nil {
		return bot.Answer{}, err
	}
	answer := bot.Answer{Run: c.Run, Sentence: fmt.Sprintf("run %s was told to %s", r.ID, verb)}
	switch waits := granted.IsZero() && !r.Settled(); {
	case r.Yielded != nil && r.State != bot.Queued:
		answer.Sentence += fmt.Sprintf(", and obeys when it has lane %s again, which run %s has", r.Lane, r.Yielded.To)
	case r.Settled():
		answer.Sentence = fmt.Sprintf("run %s is cancelled: it had not begun", r.ID)
	case waits && r.Held != nil:
		answer.Sentence = fmt.Sprintf("run %s is %s: it keeps its place in lane %s, and others pass", r.ID, r.Held, r.Lane)
	case waits:
		answer.Sentence = fmt.Sprintf("run %s is not held any more, and waits for lane %s", r.ID, r.Lane)
	case verb == bot.VerbCancel:
		answer.Sentence += ", and puts back what it has written"
	case verb == bot.VerbHold:
		answer.Sentence += ": it is held from its next step on, and changes nothing more until somebody resumes it"
	}
	return answer, nil
}

// undoRequest returns the request of a command to put a run back.
func undoRequest(c bot.Command, key, run string) bot.Request {
	return bot.Request{Key: key, Origin: origin(c), By: c.By, ByID: c.ByID, Link: c.Link, Reason: c.Reason, Undoes: run}
}

// origin returns what asks by a command.
func origin(c bot.Command) bot.Origin {
	if strings.HasPrefix(c.From, "comment ") {
		return bot.OriginComment
	}
	return bot.OriginAPI
}
