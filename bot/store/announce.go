package store

import (
	"context"
	"fmt"
	"time"

	"lockstep/bot"
)

// keeps reports that a request that was refused stays refused: nobody waits for the
// answer, and the same request comes again by itself.
func keeps(o bot.Origin) bool {
	return o == bot.OriginSchedule || o.Announces() && o != bot.OriginHook
}

// answered decides a request. What is announced once more, in whatever way, is served by
// the run that served it first, also when that has ended.
func answered(ctx context.Context, tx Tx, q bot.Request, now time.Time) (bot.Answer, error) {
	if !q.Origin.Announces() {
		return decide(ctx, tx, q, now)
	}
	if q.Unfit != "" {
		return refused("%s", q.Unfit), nil
	}
	if r, err := announced(ctx, tx, q); err != nil {
		return bot.Answer{}, err
	} else if r != nil && r.Settled() {
		return again(ctx, tx, q, r)
	}
	answer, err := decide(ctx, tx, q, now)
	if err != nil || answer.Run == "" {
		return answer, err
	}
	return answer, remember(ctx, tx, announcement(q), answer, now)
}

// announcement returns the request under which the first announcement of a version is
// kept, beside those of each way in which it was announced.
func announcement(q bot.Request) bot.Request {
	q.Key, q.Announced = "announced "+string(q.Version), false
	return q
}

// announced returns the run that serves a version since it was announced for the first
// time; nil without one. An older program kept no request for that: there the first run
// that an announcement has made is the one.
func announced(ctx context.Context, tx Tx, q bot.Request) (*bot.Run, error) {
	first, known, err := recall(ctx, tx, announcement(q))
	switch {
	case err != nil:
		return nil, err
	case known:
		r, _, err := load(ctx, tx, first.Run)
		return r, err
	}
	runs, err := list(ctx, tx, `SELECT revision, body FROM runs WHERE package = $1 AND version = $2 AND track = $3 ORDER BY created, id`,
		[]any{q.Package, string(q.Version), q.Track})
	for i := range runs {
		if r := &runs[i]; r.Undoes == "" && r.Origin.Announces() {
			return r, err
		}
	}
	return nil, err
}

// again answers a request with the run that serves its version already, unless that has
// condemned it since: the author has to know why.
func again(ctx context.Context, tx Tx, q bot.Request, r *bot.Run) (bot.Answer, error) {
	c, condemned, err := condemnation(ctx, tx, q)
	switch {
	case err != nil:
		return bot.Answer{}, err
	case condemned:
		return refusal(c), nil
	}
	how := "announced"
	if r.Origin.Announces() {
		how += " by " + string(r.Origin)
	}
	return bot.Answer{Run: r.ID, Sentence: fmt.Sprintf("%s %s was %s already: run %s, which is %s; to have it once more, promote it",
		q.Package, q.Version, how, r.ID, r.State)}, nil
}

// Answered reports that a request has an answer that it keeps, so that nothing more has to
// be found out about it.
func (s *Store) Answered(ctx context.Context, q bot.Request) (bool, error) {
	var at int64
	known, err := s.db.One(ctx, `SELECT at FROM requests WHERE key = $1 AND package = $2 AND track = $3`,
		[]any{q.Key, q.Package, q.Track}, &at)
	if err != nil {
		return false, fmt.Errorf("look for request %q: %w", q.Key, err)
	}
	return known, nil
}
