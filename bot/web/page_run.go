package web

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"

	"lockstep/bot"
)

// A runView is the page of one run.
type runView struct {
	RunReport
	Line    RunLine
	Columns []columnView
	Calls   []call
	Bar     *bar // of the pass over the version's data that is under way; nil: none is
}

// A columnView is a column of the board. What goes back has a list for each
// environment, the others one list.
type columnView struct {
	Name  string
	Lists [][]cellView
}

// A cellView is a cell of the board, as it looks.
type cellView struct {
	bot.Cell
	Label string
	Note  string // a line below the name
	None  bool   // a gate that ended without a result
}

// A call is what people are asked to do.
type call struct {
	Sentence string
	Link     string
	Commands []string
}

// A bar shows how far a pass over data has come.
type bar struct {
	Name  string
	Parts int // of 100
}

// runPage reads the page of one run.
func (s *Server) runPage(r *http.Request) (view, error) {
	report, err := s.report(r.Context(), r.PathValue("id"))
	if err != nil {
		return view{}, err
	}
	run := report.Run
	v := view{Title: run.Package + " " + string(run.Version) + " → " + run.Track, Data: runView{
		RunReport: report, Line: line(run), Columns: columns(report), Calls: calls(report), Bar: passing(run),
	}}
	if !run.Settled() {
		v.Refresh = 5
	}
	return v, nil
}

// calls returns what a run asks people to do.
func calls(report RunReport) []call {
	var all []call
	run := report.Run
	if run.State == bot.Stalled || run.State == bot.RollbackFailed {
		if len(report.Commands) == 0 {
			return nil
		}
		return []call{{Sentence: "A person is needed:", Commands: report.Commands}}
	}
	for _, g := range report.Gates {
		if len(g.Commands) > 0 {
			all = append(all, call{
				Sentence: fmt.Sprintf("Gate %s of %s waits for people (%s):", g.Name, g.Environment, cmp.Or(g.Reason, "nobody has answered yet")), Link: g.Link, Commands: g.Commands,
			})
		}
	}
	if run.State == bot.Proposed && run.Direction == bot.Forward && run.Delivery().Told {
		d := run.Delivery()
		all = append(all, call{Sentence: fmt.Sprintf("A person has to merge !%d of %s; the run then goes on by itself.", d.IID, d.Change.Repo), Link: d.Link})
	}
	return all
}

// passing returns how far the pass over the version's data has come that is under way.
func passing(run *bot.Run) *bar {
	if p := run.Whole; run.State == bot.Queued && p.TotalObjects > 0 && !p.Done {
		return &bar{"checked", parts(p)}
	}
	for _, s := range run.Stages {
		if p := s.Supply; !run.Settled() && run.Direction == bot.Forward && p.TotalObjects > 0 && !p.Done && p.Problem == "" {
			return &bar{"copied for " + s.Plan.Environment, parts(p)}
		}
	}
	return nil
}

// parts returns how much of a pass is done, of 100: large objects take longer than small
// ones, and each takes its own time.
func parts(p bot.Progress) int {
	done := float64(p.Objects) / float64(p.TotalObjects)
	if p.TotalBytes > 0 {
		done = (done + float64(p.Bytes)/float64(p.TotalBytes)) / 2
	}
	return min(int(done*100), 100)
}

// columns returns the board as it looks.
func columns(report RunReport) []columnView {
	var all []columnView
	for _, column := range report.Board {
		v := columnView{Name: column.Name}
		for i, cell := range column.Cells {
			if i == 0 || column.Name == bot.ColumnRollback && cell.Environment != column.Cells[i-1].Environment {
				v.Lists = append(v.Lists, nil)
			}
			last := len(v.Lists) - 1
			v.Lists[last] = append(v.Lists[last], cellIn(column.Name, cell, report))
		}
		all = append(all, v)
	}
	return all
}

// cellIn returns a cell of a column as it looks.
func cellIn(column string, cell bot.Cell, report RunReport) cellView {
	v := cellView{Cell: cell, Label: cell.Name}
	kind, _, _ := strings.Cut(column, "-")
	switch {
	case kind == bot.ColumnRollback:
		v.Label = cell.Environment + " " + cell.Name
	case kind == bot.ColumnChecks || kind == bot.ColumnGates:
		v.Note, v.None = gateNote(cell, report.Gates)
		return v
	case kind == bot.ColumnData:
		v.Note = cell.Reason
		return v
	}
	switch {
	case cell.From != "" && cell.To != "":
		v.Note = fmt.Sprintf("%s → %s", cell.From, cell.To)
	case cell.To != "":
		v.Note = string(cell.To)
	case cell.Mark == bot.MarkSkipped || cell.Mark == bot.MarkWarned:
		v.Note = cell.Reason
	}
	return v
}

// gateNote says below the name of a gate how it ended, where its mark does not say it
// all, and whether it ended without a result.
func gateNote(cell bot.Cell, gates []Gate) (note string, none bool) {
	for _, g := range gates {
		if g.Environment != cell.Environment || g.Name != cell.Name {
			continue
		}
		switch {
		case len(g.Commands) > 0:
			return "waits for people", false
		case g.Outcome == bot.GatePassed && len(g.Opinions) > 0:
			return g.Reason, false
		case g.Outcome == bot.GatePassed || g.Outcome == bot.GateOpen:
			return "", false
		}
		return string(g.Outcome), g.Outcome == bot.GateNone
	}
	return "", false
}
