package store

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"lockstep/bot"
)

// A planner is a SQLite database that asks for the plan of each statement.
type planner struct {
	database
	t *testing.T
}

// plan fails the test when a statement reads a whole table that grows with the runs.
func (p planner) plan(ctx context.Context, on Tx, query string, args []any) {
	p.t.Helper()
	if !strings.Contains("SELECT UPDATE DELETE INSERT", query[:6]) {
		return
	}
	err := on.Each(ctx, "EXPLAIN QUERY PLAN "+query, args, func(scan Scan) error {
		var id, parent, unused int
		var detail string
		if err := scan(&id, &parent, &unused, &detail); err != nil {
			return err
		}
		table, by, _ := strings.Cut(strings.TrimPrefix(detail, "SCAN "), " ")
		selected := strings.HasPrefix(table, "(subquery") || table == "waiting" // what a query in the statement has found
		whole := strings.HasPrefix(detail, "SCAN ") && by != "USING INDEX runs_created" && !selected
		if whole && table != "lanes" && table != "condemned" && table != "ends" && !strings.Contains(detail, "CONSTANT ROW") {
			p.t.Errorf("%s\n%s", detail, query)
		}
		return nil
	})
	if err != nil {
		p.t.Errorf("plan of %s: %v", query, err)
	}
}

func (p planner) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	p.plan(ctx, p.database, query, args)
	return p.database.Exec(ctx, query, args...)
}

func (p planner) One(ctx context.Context, query string, args []any, dest ...any) (bool, error) {
	p.plan(ctx, p.database, query, args)
	return p.database.One(ctx, query, args, dest...)
}

func (p planner) Each(ctx context.Context, query string, args []any, row func(Scan) error) error {
	p.plan(ctx, p.database, query, args)
	return p.database.Each(ctx, query, args, row)
}

func (p planner) begin(ctx context.Context) (transaction, error) {
	tx, err := p.database.begin(ctx)
	return plannedChange{tx, p}, err
}

// A plannedChange is a transaction of a planner.
type plannedChange struct {
	transaction
	p planner
}

func (c plannedChange) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	c.p.plan(ctx, c.transaction, query, args)
	return c.transaction.Exec(ctx, query, args...)
}

func (c plannedChange) One(ctx context.Context, query string, args []any, dest ...any) (bool, error) {
	c.p.plan(ctx, c.transaction, query, args)
	return c.transaction.One(ctx, query, args, dest...)
}

func (c plannedChange) Each(ctx context.Context, query string, args []any, row func(Scan) error) error {
	c.p.plan(ctx, c.transaction, query, args)
	return c.transaction.Each(ctx, query, args, row)
}

// No statement goes through all runs, events, requests or messages, however many there
// are. Lists go along an index of their order, up to their limit.
func TestNothingReadsWholeTables(t *testing.T) {
	t.Parallel()
	s := opened(t, "sqlite:"+filepath.Join(t.TempDir(), "lockstep.db"))
	s.db = planner{s.db, t}
	r := ran(t, s, request("1"), 0, 1, bad)
	asked(t, s, onward("1"), 2)
	forced := byAPI("1", "f")
	forced.Force, forced.Subject, forced.Commit, forced.Supersede = "because", "tag", "aaa", true
	done := ran(t, s, forced, 2, 3, good)
	began(t, s, request("2"), 4)
	undo := asked(t, s, undoing(done.ID, "u"), 5)
	_, err := s.AcceptAll(t.Context(), "delivery", []bot.Request{request("3")}, noon)
	ok(t, err)
	_, err = s.Baseline(t.Context(), "data/mda", []bot.Request{request("0")}, noon)
	ok(t, err)
	for _, f := range []bot.Filter{
		{},
		{Track: "integration"},
		{Lane: "integration"},
		{States: []bot.State{bot.Queued, bot.Started}},
		{States: []bot.State{bot.Done}},
		{Track: "integration", States: []bot.State{bot.Done, bot.RolledBack}},
	} {
		_, err := s.Runs(t.Context(), f)
		ok(t, err)
	}
	_, err = s.Place(t.Context(), undo.Run)
	ok(t, err)
	_, err = s.Yields(t.Context(), "integration")
	ok(t, err)
	_, err = s.Blocking(t.Context())
	ok(t, err)
	_, err = s.Overtaken(t.Context(), read(t, s, undo.Run))
	ok(t, err)
	_, err = s.Undone(t.Context(), read(t, s, undo.Run))
	ok(t, err)
	commanded(t, s, bot.VerbRetry, r.ID, "because", 5)
	commanded(t, s, bot.VerbHold, asked(t, s, request("4"), 5).Run, "", 5)
	ok(t, said(t.Context(), s, undo.Run, bot.VerbCancel))
	_, _, err = s.Opine(t.Context(), r.ID, "int", bot.Opinion{Gate: "go", By: "ada", Yes: true, At: noon})
	ok(t, err)
	_, err = s.Opinions(t.Context(), r.ID, "int", "go")
	ok(t, err)
	_, err = s.Streak(t.Context(), r, "int", "go")
	ok(t, err)
	noted(t, s, r.ID, 6, nil)
	_, err = s.Condemned(t.Context())
	ok(t, err)
	_, err = s.Events(t.Context(), r.ID)
	ok(t, err)
	_, err = s.Active(t.Context())
	ok(t, err)
	_, err = s.Lanes(t.Context())
	ok(t, err)
	_, err = s.Figures(t.Context())
	ok(t, err)
	due(t, s, noon.AddDate(0, 0, -1))
	ok(t, s.Sending(t.Context(), r.ID+"/start/chat", noon))
	ok(t, s.Later(t.Context(), r.ID+"/start/chat", noon, "away"))
	ok(t, s.Sent(t.Context(), r.ID+"/start/chat", 9, noon))
	ok(t, s.KeepRefusals(t.Context(), []bot.Refusal{turnedAway("nightly", "no", 1)}))
	_, _, err = s.auditRefusals(noon)(t.Context())
	ok(t, err)
	ok(t, s.Sweep(t.Context(), noon))
}
