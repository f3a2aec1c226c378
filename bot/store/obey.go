package store

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"lockstep/bot"
)

// obey does one command and returns its record with the answer, and with how what it was
// for stood before and after.
func obey(ctx context.Context, tx Tx, record bot.CommandRecord, channels func(track string) []string) (bot.CommandRecord, error) {
	c := record.Command
	if c.Known != nil {
		record.Answer, record.Known = *c.Known, nil
		return record, nil
	}
	before, err := standing(ctx, tx, c)
	if err != nil {
		return record, err
	}
	answer, err := carry(ctx, tx, c, fmt.Sprintf("%s.%d", record.Source, record.Seq), channels)
	if errors.Is(err, bot.ErrRefused) {
		answer, err = refused("%s", strings.TrimPrefix(err.Error(), bot.ErrRefused.Error()+": ")), nil
	}
	if err != nil {
		return record, err
	}
	record.Answer, record.Before = answer, before
	if c.Run == "" && c.Lane == "" {
		c.Run = answer.Run // which it has made
	}
	record.After, err = standing(ctx, tx, c)
	return record, err
}

// carry does what a command says. key is its identity.
func carry(ctx context.Context, tx Tx, c bot.Command, key string, channels func(track string) []string) (bot.Answer, error) {
	switch c.Verb {
	case bot.VerbPromote:
		q := *c.Request
		q.Key = key
		return accept(ctx, tx, q, c.At)
	case bot.VerbRollback:
		return putBack(ctx, tx, c, key, channels)
	case bot.VerbRetry:
		return retry(ctx, tx, c, key)
	case bot.VerbCancel, bot.VerbHold, bot.VerbResume:
		return order(ctx, tx, c, c.Verb, channels)
	case bot.VerbConfirm, bot.VerbDeny:
		return answerGate(ctx, tx, c)
	case bot.VerbFreeze:
		f := bot.Freeze{Reason: c.Reason, By: c.By, At: c.At, Until: c.Until}
		if err := freeze(ctx, tx, c.Lane, f); err != nil {
			return bot.Answer{}, err
		}
		return bot.Answer{Sentence: fmt.Sprintf("%s is %s", called(c.Lane), f)}, nil
	case bot.VerbThaw:
		return thawLane(ctx, tx, c)
	}
	return refused("%q is nothing that is done: the verbs are %v", c.Verb, bot.Verbs), nil
}

// thawLane thaws what is frozen.
func thawLane(ctx context.Context, tx Tx, c bot.Command) (bot.Answer, error) {
	if err := thaw(ctx, tx, c.Lane, c.By, c.Reason, c.At); err != nil {
		return bot.Answer{}, err
	}
	if c.Lane == bot.Everything {
		return bot.Answer{Sentence: "everything is thawed, but for lanes that are frozen by themselves"}, nil
	}
	return bot.Answer{Sentence: called(c.Lane) + " is thawed"}, nil
}

// standing says how the run or the lane of a command stands; "" for one that is for
// neither.
func standing(ctx context.Context, tx Tx, c bot.Command) (string, error) {
	switch {
	case c.Run != "":
		r, _, err := load(ctx, tx, c.Run)
		if err != nil {
			return "", err
		}
		return r.Result(), nil
	case c.Lane != "":
		l, err := lane(ctx, tx, c.Lane)
		if err != nil {
			return "", err
		}
		if f := l.Freeze(); f != nil {
			return f.String(), nil
		}
		return "not frozen", nil
	}
	return "", nil
}

// answerGate answers a gate that asks. What was said before may be said again, because
// the answer to it may have been lost.
func answerGate(ctx context.Context, tx Tx, c bot.Command) (bot.Answer, error) {
	r, _, err := load(ctx, tx, c.Run)
	if err != nil {
		return bot.Answer{}, err
	}
	q, closed := r.Answerable(c.Environment, c.Gate)
	if errors.Is(closed, bot.ErrNotFound) {
		return refused("%s", strings.TrimPrefix(closed.Error(), bot.ErrNotFound.Error()+": ")), nil
	}
	if q.Environment == "" {
		return bot.Answer{}, closed
	}
	o := bot.Opinion{Gate: c.Gate, By: c.By, ByID: c.ByID, Yes: c.Verb == bot.VerbConfirm, Reason: c.Reason, At: c.At}
	earlier, err := opinions(ctx, tx, c.Run, q.Environment, c.Gate)
	if err != nil {
		return bot.Answer{}, err
	}
	for _, e := range earlier {
		switch {
		case !e.IsOf(o):
		case e.Yes == o.Yes:
			return bot.Answer{Run: c.Run, Sentence: fmt.Sprintf("%s was %s by %s before: nothing is new", q, uttered(o), o.By)}, nil
		default:
			return refused("%s was %s by %s before, and the first answer counts", q, uttered(e), o.By), nil
		}
	}
	if closed == nil {
		closed = q.MayAnswer(o)
	}
	if closed != nil {
		return bot.Answer{}, closed
	}
	if _, _, err := opine(ctx, tx, c.Run, q.Environment, o); err != nil {
		return bot.Answer{}, fmt.Errorf("answer to gate %s of run %q: %w", o.Gate, c.Run, err)
	}
	return bot.Answer{Run: c.Run, Sentence: fmt.Sprintf("%s is %s by %s", q, uttered(o), o.By)}, nil
}

// uttered says what an opinion does to its gate.
func uttered(o bot.Opinion) string {
	switch {
	case o.By == bot.CallbackSpeaker && o.Yes:
		return "passed"
	case o.By == bot.CallbackSpeaker:
		return "failed"
	case o.Yes:
		return "confirmed"
	}
	return "denied"
}
