package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"lockstep/bot"
)

// Accept stores a request and what became of it, in one transaction. A request with
// the Key, Package and Track of an earlier one gets the earlier answer.
func (s *Store) Accept(ctx context.Context, q bot.Request, now time.Time) (bot.Answer, error) {
	var answer bot.Answer
	err := s.change(ctx, func(tx transaction) (err error) {
		answer, err = accept(ctx, tx, q, now)
		return err
	})
	if err != nil {
		return bot.Answer{}, fmt.Errorf("accept request %q: %w", q.Key, err)
	}
	return answer, nil
}

// AcceptAll stores a delivery with all requests that it brought, in one transaction.
// The same delivery again gets the answers of the first, whatever it brings, so
// delivery has to be the delivery's own name, and never empty.
func (s *Store) AcceptAll(ctx context.Context, delivery string, requests []bot.Request, now time.Time) ([]bot.Answer, error) {
	var answers []bot.Answer
	err := s.change(ctx, func(tx transaction) (err error) {
		answers, err = acceptAll(ctx, tx, delivery, requests, now)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("accept delivery %q: %w", delivery, err)
	}
	return answers, nil
}

// acceptAll accepts what a delivery brought, unless it was here before. The row of
// the delivery comes first, so that a second one that arrives meanwhile waits here.
func acceptAll(ctx context.Context, tx Tx, delivery string, requests []bot.Request, now time.Time) ([]bot.Answer, error) {
	first, err := tx.Exec(ctx, `INSERT INTO deliveries (delivery, at, answers) VALUES ($1, $2, '') ON CONFLICT (delivery) DO NOTHING`,
		delivery, millis(now))
	if err != nil {
		return nil, err
	}
	if first == 0 {
		return deliveredAnswers(ctx, tx, delivery)
	}
	answers := make([]bot.Answer, 0, len(requests))
	for _, q := range requests {
		answer, err := accept(ctx, tx, q, now)
		if err != nil {
			return nil, fmt.Errorf("request %q: %w", q.Key, err)
		}
		answers = append(answers, answer)
	}
	body, err := json.Marshal(answers)
	if err != nil {
		return nil, err
	}
	_, err = tx.Exec(ctx, `UPDATE deliveries SET answers = $2 WHERE delivery = $1`, delivery, string(body))
	return answers, err
}

// deliveredAnswers returns the answers that a delivery got the first time.
func deliveredAnswers(ctx context.Context, tx Tx, delivery string) ([]bot.Answer, error) {
	var body string
	if _, err := tx.One(ctx, `SELECT answers FROM deliveries WHERE delivery = $1`, []any{delivery}, &body); err != nil {
		return nil, err
	}
	var answers []bot.Answer
	if err := json.Unmarshal([]byte(body), &answers); err != nil {
		return nil, err
	}
	for i := range answers {
		answers[i].New = false
	}
	return answers, nil
}

// Baseline notes that a project is looked at for the first time and that known, the
// requests its existing tags would make, were there before: none of them makes a run
// unless it is announced after all (the first look was quicker than the hook), and a
// tag of them that moves is refused. A request that was already
// answered keeps its answer. It reports whether this was the first time; after that
// it does nothing.
func (s *Store) Baseline(ctx context.Context, project string, known []bot.Request, now time.Time) (first bool, err error) {
	err = s.change(ctx, func(tx transaction) error {
		added, err := tx.Exec(ctx, `INSERT INTO baselines (project, at) VALUES ($1, $2) ON CONFLICT (project) DO NOTHING`, project, millis(now))
		first = added == 1
		if err != nil || !first {
			return err
		}
		for _, q := range known {
			if _, err := claim(ctx, tx, q, now); err != nil {
				return err
			}
			if err := remember(ctx, tx, q, bot.Answer{Before: true, Sentence: "it was there before Lockstep looked for the first time"}, now); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("baseline of project %q: %w", project, err)
	}
	return first, nil
}

// accept answers a request and stores the answer. Requests for one lane take turns.
func accept(ctx context.Context, tx Tx, q bot.Request, now time.Time) (bot.Answer, error) {
	if err := enter(ctx, tx, q.Lane); err != nil {
		return bot.Answer{}, fmt.Errorf("enter lane %q: %w", q.Lane, err)
	}
	if answer, known, err := recall(ctx, tx, q); err != nil || known {
		return answer, err
	}
	answer, err := decide(ctx, tx, q, now)
	if err != nil {
		return bot.Answer{}, err
	}
	return answer, remember(ctx, tx, q, answer, now)
}

// decide answers a request that was not here before.
func decide(ctx context.Context, tx Tx, q bot.Request, now time.Time) (bot.Answer, error) {
	commit, err := claim(ctx, tx, q, now)
	if err != nil {
		return bot.Answer{}, err
	}
	if commit != q.Commit {
		return bot.Answer{Refused: true, Sentence: fmt.Sprintf("%s stood for %s and stands for %s now: what it names must not move, so make a new one",
			q.Subject, commit, q.Commit)}, nil
	}
	r, found, err := same(ctx, tx, q)
	if err != nil {
		return bot.Answer{}, err
	}
	if found {
		return bot.Answer{Run: r.ID, Sentence: fmt.Sprintf("joins run %s, which already takes %s %s through track %s and is %s",
			r.ID, q.Package, q.Version, q.Track, r.State)}, nil
	}
	return start(ctx, tx, q, now)
}

// claim returns the commit of the request's subject: where it pointed when it was
// first seen, which is the request's own commit when that is now.
func claim(ctx context.Context, tx Tx, q bot.Request, now time.Time) (string, error) {
	if q.Subject == "" {
		return q.Commit, nil
	}
	if _, err := tx.Exec(ctx, `INSERT INTO subjects (subject, commit_id, at) VALUES ($1, $2, $3) ON CONFLICT (subject) DO NOTHING`,
		q.Subject, q.Commit, millis(now)); err != nil {
		return "", fmt.Errorf("subject %q: %w", q.Subject, err)
	}
	var commit string
	if _, err := tx.One(ctx, `SELECT commit_id FROM subjects WHERE subject = $1`, []any{q.Subject}, &commit); err != nil {
		return "", fmt.Errorf("subject %q: %w", q.Subject, err)
	}
	return commit, nil
}

// same returns the run that already does what the request asks for and has not ended.
func same(ctx context.Context, tx Tx, q bot.Request) (r bot.Run, found bool, err error) {
	var settled []any
	terms := ""
	for _, state := range bot.States {
		if state.Settled() {
			settled = append(settled, string(state))
			terms += fmt.Sprintf(" AND state <> $%d", len(settled)+4)
		}
	}
	runs, err := list(ctx, tx, `SELECT revision, body FROM runs WHERE lane = $1 AND track = $2 AND package = $3 AND version = $4`+terms+` ORDER BY created, id LIMIT 1`,
		append([]any{q.Lane, q.Track, q.Package, string(q.Version)}, settled...))
	if err != nil || len(runs) == 0 {
		return bot.Run{}, false, err
	}
	return runs[0], true, nil
}

// start makes the run that a request asks for, at the end of the queue of its lane.
func start(ctx context.Context, tx Tx, q bot.Request, now time.Time) (bot.Answer, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return bot.Answer{}, err
	}
	r := &bot.Run{
		ID: id.String(), Key: q.Key, Track: q.Track, Lane: q.Lane, Package: q.Package, Version: q.Version,
		Origin: q.Origin, By: q.By, Link: q.Link, State: bot.Queued, Created: now, Entered: now, Events: 1,
	}
	if q.Supersede {
		if err := supersede(ctx, tx, r, now); err != nil {
			return bot.Answer{}, fmt.Errorf("supersede waiting runs: %w", err)
		}
	}
	l, err := lane(ctx, tx, q.Lane)
	if err != nil {
		return bot.Answer{}, err
	}
	l.Waiting = append(l.Waiting, r.ID)
	where := place(l, r.ID)
	r.Reason = "queued: " + where
	e := bot.Event{Run: r.ID, Seq: 1, At: now, State: bot.Queued, Reason: r.Reason, Link: r.Link}
	if err := insert(ctx, tx, r, e); err != nil {
		return bot.Answer{}, err
	}
	return bot.Answer{Run: r.ID, New: true, Sentence: fmt.Sprintf("run %s is queued: %s", r.ID, where)}, nil
}

// supersede ends the runs of the new run's track and package that still wait for
// their lane.
func supersede(ctx context.Context, tx Tx, by *bot.Run, now time.Time) error {
	older, err := list(ctx, tx, `SELECT revision, body FROM runs
		WHERE lane = $1 AND track = $2 AND package = $3 AND state = 'queued' AND granted = 0 ORDER BY created, id`,
		[]any{by.Lane, by.Track, by.Package})
	if err != nil {
		return err
	}
	for _, r := range older {
		o := bot.Outcome{State: bot.Superseded, Reason: fmt.Sprintf("%s took its place in the queue: run %s", by.Version, by.ID)}
		if err := end(ctx, tx, &r, o, now, nil); err != nil {
			return err
		}
	}
	return nil
}

// recall returns the answer that the same request got before.
func recall(ctx context.Context, tx Tx, q bot.Request) (answer bot.Answer, known bool, err error) {
	var body string
	known, err = tx.One(ctx, `SELECT answer FROM requests WHERE key = $1 AND package = $2 AND track = $3`,
		[]any{q.Key, q.Package, q.Track}, &body)
	if err != nil || !known {
		return bot.Answer{}, false, err
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		return bot.Answer{}, false, err
	}
	if answer.Before && q.Announced {
		_, err := tx.Exec(ctx, `DELETE FROM requests WHERE key = $1 AND package = $2 AND track = $3`, q.Key, q.Package, q.Track)
		return bot.Answer{}, false, err
	}
	answer.New = false
	return answer, true, nil
}

// remember stores the answer to a request, unless it has one.
func remember(ctx context.Context, tx Tx, q bot.Request, answer bot.Answer, now time.Time) error {
	body, err := json.Marshal(answer)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO requests (key, package, track, at, answer) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (key, package, track) DO NOTHING`, q.Key, q.Package, q.Track, millis(now), string(body))
	if err != nil {
		return fmt.Errorf("remember request %q: %w", q.Key, err)
	}
	return nil
}
