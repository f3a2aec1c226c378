package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

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
//
// The same request again gets the same answer, also when it was refused for a reason
// that has gone since (its version is not condemned any more, it has finished the other
// track now), where it comes again by itself, as a tag does that polling finds again and
// again: if an old refusal could turn into a run then, a version of last week would be
// deployed over the one of today. Whoever asks through the API waits for the answer and
// was told to ask again later, so such a refusal is not kept there: the request is decided
// anew, with the same key as well. It made no run, so that the same key is still one run.
func accept(ctx context.Context, tx Tx, q bot.Request, now time.Time) (bot.Answer, error) {
	if q.Undoes != "" {
		if no, err := complete(ctx, tx, &q); err != nil || no.Refused {
			return no, err
		}
	}
	if err := enter(ctx, tx, q.Lane); err != nil {
		return bot.Answer{}, fmt.Errorf("enter lane %q: %w", q.Lane, err)
	}
	if answer, known, err := recall(ctx, tx, q); err != nil || known {
		return answer, err
	}
	commit, err := claim(ctx, tx, q, now)
	if err != nil {
		return bot.Answer{}, err
	}
	if commit != q.Commit {
		no := refused("%s stood for %s and stands for %s now: what it names must not move, so make a new one", q.Subject, commit, q.Commit)
		return no, remember(ctx, tx, q, no, now)
	}
	answer, err := answered(ctx, tx, q, now)
	if err != nil || answer.Refused && !keeps(q.Origin) {
		return answer, err
	}
	return answer, remember(ctx, tx, q, answer, now)
}

// refused returns the answer that says no, with a sentence for whoever asked.
func refused(format string, args ...any) bot.Answer {
	return bot.Answer{Refused: true, Sentence: fmt.Sprintf(format, args...)}
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
	if answer.Run == "" || !q.Announced {
		return answer, true, nil
	}
	// A tag that is pushed once more makes no second run; its author has to know why.
	c, condemned, err := condemnation(ctx, tx, q)
	if condemned {
		answer = refusal(c)
	}
	return answer, true, err
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
