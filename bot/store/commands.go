package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"lockstep/bot"
)

// Do does what a batch of commands asks for and keeps each with its answer, in one
// transaction, with the message by which people are answered where the batch wants a
// reply. channels are those that hear of a track's runs.
//
// The same batch again gets the first answers and changes nothing; where b.Again says
// so, what was refused is decided anew, and another answer takes the place of the first,
// which the audit log keeps. A batch of the same Source that asks for
// something else is refused. bot.ErrNotFound for an unknown run: nothing is done or kept.
func (s *Store) Do(ctx context.Context, b bot.Batch, channels func(track string) []string) ([]bot.Answer, error) {
	var answers []bot.Answer
	err := s.change(ctx, func(tx transaction) (err error) {
		answers, err = do(ctx, tx, b, s.now(), channels)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("do batch %q: %w", b.Source, err)
	}
	return answers, nil
}

// do does one command after the other.
func do(ctx context.Context, tx Tx, b bot.Batch, now time.Time, channels func(track string) []string) ([]bot.Answer, error) {
	answers, news := make([]bot.Answer, len(b.Commands)), false
	for i, c := range b.Commands {
		if c.At.IsZero() {
			c.At = now
		}
		record, known, err := taken(ctx, tx, b, i+1, c)
		if err != nil {
			return nil, err
		}
		if known && !differs(record.Command, c) && (!record.Answer.Refused || !b.Again) {
			record.Answer.New = false
			answers[i] = record.Answer
			continue
		}
		if known && differs(record.Command, c) {
			answers[i] = refused("the same key stood for another command before (%s): use a new one", named(record.Command))
			continue
		}
		earlier := record
		record.Command = c // what was refused is decided anew for whoever sends it now
		if record, err = obey(ctx, tx, record, channels); err != nil {
			return nil, err
		}
		answers[i] = record.Answer
		if known && repeats(record, earlier) {
			continue
		}
		if known {
			if err := putAside(ctx, tx, earlier); err != nil {
				return nil, err
			}
		}
		if err := keep(ctx, tx, record); err != nil {
			return nil, err
		}
		news = true
	}
	if b.Reply == "" || !news {
		return answers, nil
	}
	return answers, post(ctx, tx, []bot.Message{{ID: b.Source, Kind: bot.MessageReply, Channel: b.Reply, Seq: 1}}, now)
}

// taken returns the record of a command, and whether it was there before. It keeps the
// row from changing until the transaction ends, so that two of the same take turns.
func taken(ctx context.Context, tx Tx, b bot.Batch, seq int, c bot.Command) (record bot.CommandRecord, known bool, err error) {
	if _, err := tx.Exec(ctx, `INSERT INTO commands (source, seq, at, body) VALUES ($1, $2, $3, '')
		ON CONFLICT (source, seq) DO UPDATE SET at = commands.at`, b.Source, seq, millis(c.At)); err != nil {
		return record, false, err
	}
	var body string
	if _, err := tx.One(ctx, `SELECT body FROM commands WHERE source = $1 AND seq = $2`, []any{b.Source, seq}, &body); err != nil {
		return record, false, err
	}
	if body == "" {
		return bot.CommandRecord{Source: b.Source, Seq: seq, Command: c}, false, nil
	}
	err = json.Unmarshal([]byte(body), &record)
	return record, true, err
}

// keep stores a command with its answer.
func keep(ctx context.Context, tx Tx, record bot.CommandRecord) error {
	body, err := json.Marshal(record)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `UPDATE commands SET body = $3, at = $4 WHERE source = $1 AND seq = $2`,
		record.Source, record.Seq, string(body), millis(record.At))
	return err
}

// repeats reports that a refusal says to the same one what an earlier one has said.
func repeats(r, earlier bot.CommandRecord) bool {
	return r.Answer.Refused && r.Answer.Sentence == earlier.Answer.Sentence && r.By == earlier.By && r.From == earlier.From && r.Reason == earlier.Reason
}

// putAside keeps a refusal, of which another answer takes the place, for the audit log.
func putAside(ctx context.Context, tx Tx, record bot.CommandRecord) error {
	body, err := json.Marshal(record)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO overruled (source, seq, at, body) VALUES ($1, $2, $3, $4) ON CONFLICT (source, seq, at) DO NOTHING`,
		record.Source, record.Seq, millis(record.At), string(body))
	return err
}

// differs reports that two commands of one source and place ask for different things. An
// answer to a gate is that of the one who gives it.
func differs(a, b bot.Command) bool {
	same := a.Verb == b.Verb && a.Run == b.Run && a.Environment == b.Environment && a.Gate == b.Gate && a.Lane == b.Lane
	if a.Gate != "" {
		same = same && strings.EqualFold(a.By, b.By)
	}
	if !same || (a.Request == nil) != (b.Request == nil) {
		return true
	}
	return a.Request != nil && (a.Request.Package != b.Request.Package || a.Request.Track != b.Request.Track ||
		a.Request.Version != b.Request.Version || a.Request.Force != b.Request.Force)
}

// named names a command for whoever has sent it.
func named(c bot.Command) string {
	switch {
	case c.Request != nil:
		return fmt.Sprintf("%s %s %s on %s", c.Verb, c.Request.Package, c.Request.Version, c.Request.Track)
	case c.Gate != "":
		return fmt.Sprintf("%s %s of run %s by %s", c.Verb, c.Gate, c.Run, c.By)
	case c.Lane != "":
		return fmt.Sprintf("%s %s", c.Verb, called(c.Lane))
	}
	return fmt.Sprintf("%s run %s", c.Verb, c.Run)
}

// Commands returns the commands of a batch with their answers, in order; none of an
// unknown one.
func (s *Store) Commands(ctx context.Context, source string) ([]bot.CommandRecord, error) {
	records, err := records(ctx, s.db, `SELECT body FROM commands WHERE source = $1 ORDER BY seq`, source)
	if err != nil {
		return nil, fmt.Errorf("commands of %q: %w", source, err)
	}
	return records, nil
}

// records reads the commands of a query for their bodies.
func records(ctx context.Context, tx Tx, query string, args ...any) ([]bot.CommandRecord, error) {
	var all []bot.CommandRecord
	err := tx.Each(ctx, query, args, func(scan Scan) error {
		var body string
		var record bot.CommandRecord
		if err := scan(&body); err != nil {
			return err
		}
		err := json.Unmarshal([]byte(body), &record)
		all = append(all, record)
		return err
	})
	return all, err
}
