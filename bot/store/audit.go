package store

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"lockstep/bot"
)

// auditPage is how many lines of each kind are read at once.
const auditPage = 500

// Audit calls emit with every line of the audit log from since on and before until, in
// the order of time: decisions, commands, requests that came otherwise, tokens, and what
// was turned away. It ends with the first error of emit, and returns that. Zero times do
// not restrict.
//
// It reads page by page, and nothing is held of the database while emit runs, however
// slow its reader is. A request that came as a command is in the log as that.
func (s *Store) Audit(ctx context.Context, since, until time.Time, emit func(bot.AuditLine) error) error {
	logs := []*auditLog{
		{read: s.auditTokens(since)},
		{read: s.auditRequests(since)},
		{read: s.auditCommands(since, "overruled")},
		{read: s.auditCommands(since, "commands")},
		{read: s.auditRefusals(since)},
		{read: s.auditEvents(since)},
	}
	for {
		next, err := earliest(ctx, logs)
		if err != nil {
			return fmt.Errorf("audit: %w", err)
		}
		if next == nil || !until.IsZero() && !next.page[0].At.Before(until) {
			return nil
		}
		line := next.page[0]
		next.page = next.page[1:]
		if err := emit(line); err != nil {
			return err
		}
	}
}

// An auditLog is the lines of one kind, in the order of time.
type auditLog struct {
	read func(ctx context.Context) ([]bot.AuditLine, bool, error) // the next lines, and whether there may be more
	page []bot.AuditLine
	done bool
}

// earliest returns the log whose next line comes first; nil when no line is left. Of
// lines at the same time, what asked comes before what was decided.
func earliest(ctx context.Context, logs []*auditLog) (first *auditLog, err error) {
	for _, log := range logs {
		for len(log.page) == 0 && !log.done {
			var more bool
			if log.page, more, err = log.read(ctx); err != nil {
				return nil, err
			}
			log.done = !more
		}
		if len(log.page) > 0 && (first == nil || log.page[0].At.Before(first.page[0].At)) {
			first = log
		}
	}
	return first, nil
}

// auditEvents reads what was decided.
func (s *Store) auditEvents(since time.Time) func(context.Context) ([]bot.AuditLine, bool, error) {
	at, run, seq := millis(since), "", int64(0)
	return func(ctx context.Context) (lines []bot.AuditLine, more bool, err error) {
		err = s.db.Each(ctx, `SELECT e.at, e.run, e.seq, e.body, COALESCE(p.body, ''), r.package, r.version, r.track FROM events e
			JOIN runs r ON r.id = e.run LEFT JOIN events p ON p.run = e.run AND p.seq = e.seq - 1
			WHERE (e.at, e.run, e.seq) > ($1, $2, $3)
			ORDER BY e.at, e.run, e.seq LIMIT $4`, []any{at, run, seq, auditPage}, func(scan Scan) error {
			var body, before, pkg, version, track string
			var e, earlier bot.Event
			if err := scan(&at, &run, &seq, &body, &before, &pkg, &version, &track); err != nil {
				return err
			}
			if err := json.Unmarshal([]byte(body), &e); err != nil {
				return fmt.Errorf("event %d of run %q: %w", seq, run, err)
			}
			if before != "" {
				if err := json.Unmarshal([]byte(before), &earlier); err != nil {
					return fmt.Errorf("event %d of run %q: %w", seq-1, run, err)
				}
			}
			lines = append(lines, e.Audit(pkg, version, track, earlier.State))
			return nil
		})
		return lines, len(lines) == auditPage, err
	}
}

// auditCommands reads what people and programs wanted done from one of the tables that
// keep it.
func (s *Store) auditCommands(since time.Time, table string) func(context.Context) ([]bot.AuditLine, bool, error) {
	at, source, seq := millis(since), "", int64(0)
	return func(ctx context.Context) (lines []bot.AuditLine, more bool, err error) {
		err = s.db.Each(ctx, `SELECT at, source, seq, body FROM `+table+`
			WHERE (at, source, seq) > ($1, $2, $3)
			ORDER BY at, source, seq LIMIT $4`, []any{at, source, seq, auditPage}, func(scan Scan) error {
			var body string
			var record bot.CommandRecord
			if err := scan(&at, &source, &seq, &body); err != nil {
				return err
			}
			if err := json.Unmarshal([]byte(body), &record); err != nil {
				return fmt.Errorf("command %d of %q: %w", seq, source, err)
			}
			lines = append(lines, record.Audit())
			return nil
		})
		return lines, len(lines) == auditPage, err
	}
}

// A requestRow is a stored request, as far as the audit log tells of it.
type requestRow struct {
	at                      int64
	key, pkg, track, answer string
}

// auditRequests reads the requests that did not come as commands. That a version was
// announced is kept once more, by itself, which is nobody's request.
func (s *Store) auditRequests(since time.Time) func(context.Context) ([]bot.AuditLine, bool, error) {
	last := requestRow{at: millis(since)}
	return func(ctx context.Context) (lines []bot.AuditLine, more bool, err error) {
		var rows []requestRow
		err = s.db.Each(ctx, `SELECT at, key, package, track, answer FROM requests
			WHERE (at, key, package, track) > ($1, $2, $3, $4) AND key NOT LIKE $5
			ORDER BY at, key, package, track LIMIT $6`, []any{last.at, last.key, last.pkg, last.track, announcement(bot.Request{}).Key + "%", auditPage}, func(scan Scan) error {
			err := scan(&last.at, &last.key, &last.pkg, &last.track, &last.answer)
			rows = append(rows, last)
			return err
		})
		for _, row := range rows {
			if err != nil {
				break
			}
			var told bool
			if told, err = s.commanded(ctx, row.key); !told && err == nil {
				lines, err = row.audit(lines)
			}
		}
		return lines, len(rows) == auditPage, err
	}
}

// commanded reports that the request of that key came as a command.
func (s *Store) commanded(ctx context.Context, key string) (bool, error) {
	dot := strings.LastIndexByte(key, '.')
	seq, err := strconv.ParseInt(key[dot+1:], 10, 32)
	if dot < 0 || err != nil {
		return false, nil
	}
	var one int
	return s.db.One(ctx, `SELECT 1 FROM commands WHERE source = $1 AND seq = $2`, []any{key[:dot], seq}, &one)
}

// audit appends the line of a request.
func (r requestRow) audit(lines []bot.AuditLine) ([]bot.AuditLine, error) {
	var answer bot.Answer
	if err := json.Unmarshal([]byte(r.answer), &answer); err != nil {
		return nil, fmt.Errorf("request %q: %w", r.key, err)
	}
	return append(lines, bot.AuditLine{
		At: moment(r.at), Kind: bot.AuditRequest, From: r.key, What: fmt.Sprintf("ask for %s on %s", r.pkg, r.track),
		Run: answer.Run, Sentence: answer.Sentence, Refused: answer.Refused,
	}), nil
}

// auditTokens reads which tokens were made and revoked. There are few.
func (s *Store) auditTokens(since time.Time) func(context.Context) ([]bot.AuditLine, bool, error) {
	return func(ctx context.Context) (lines []bot.AuditLine, more bool, err error) {
		tokens, err := s.tokens(ctx, tokenColumns+` WHERE made >= $1 OR revoked >= $1`, millis(since))
		for _, t := range tokens {
			for _, line := range t.Audit() {
				if !line.At.Before(since) {
					lines = append(lines, line)
				}
			}
		}
		slices.SortStableFunc(lines, func(a, b bot.AuditLine) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.What, b.What)) })
		return lines, false, err
	}
}
