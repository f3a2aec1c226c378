package bot

import (
	"slices"

	"lockstep/gitops"
)

// A Mark says how one cell of a board stands.
type Mark string

// The marks. MarkOpen is the zero value.
const (
	MarkOpen    Mark = ""        // not reached yet
	MarkRunning Mark = "running" // under way
	MarkPassed  Mark = "passed"  // it worked
	MarkFailed  Mark = "failed"  // a verdict said no
	MarkWarned  Mark = "warned"  // it failed and was allowed to, or was left alone
	MarkSkipped Mark = "skipped" // it will not happen, or there was nothing to do
	MarkUnsure  Mark = "unsure"  // nobody could tell, or a person is needed
)

// A Cell is one thing that a run does: one service of one environment, one gate, one
// parameter.
type Cell struct {
	Name        string         `json:"name"`
	Environment string         `json:"environment,omitempty"`
	From        gitops.Version `json:"from,omitempty"` // of a value that moves
	To          gitops.Version `json:"to,omitempty"`   // of a value that moves
	Mark        Mark           `json:"mark,omitempty"`
	Reason      string         `json:"reason,omitempty"` // a clause for people; empty when the mark says it all
	Link        string         `json:"link,omitempty"`
}

// A Column is one part of the way of a run, with all that happens in it side by side.
type Column struct {
	Name  string `json:"name"`
	Cells []Cell `json:"cells"`
}

// The names of the columns. Data, Checks, Deploy and Gates are followed by a hyphen and
// their environment.
const (
	ColumnLane     = "Lane"
	ColumnStart    = "Start"
	ColumnData     = "Data"
	ColumnChecks   = "Checks"
	ColumnDeploy   = "Deploy"
	ColumnGates    = "Gates"
	ColumnRollback = "Rollback"
	ColumnRecord   = "Record"
	ColumnFinish   = "Finish"
)

// Board returns the run as people see it, in columns from left to right: the lane,
// the start, each environment with its gates, the rollback, the record, the finish.
// It shows what is known; before the plan is fixed that is the lane and the ends.
func (r *Run) Board() []Column {
	board := []Column{
		{ColumnLane, []Cell{r.laneCell()}},
		{ColumnStart, []Cell{r.startCell()}},
	}
	if r.Undoes == "" {
		for i := range r.Stages {
			board = append(board, r.stageColumns(i)...)
		}
	}
	if len(r.Stages) > 0 {
		board = append(board, Column{ColumnRollback, r.Rollback()})
	}
	if cells := r.recordCells(); len(cells) > 0 {
		board = append(board, Column{ColumnRecord, cells})
	}
	return append(board, Column{ColumnFinish, []Cell{r.finishCell()}})
}

// stageColumns returns the columns of stage i on its way forward, those that have
// something to show.
func (r *Run) stageColumns(i int) []Column {
	name := "-" + r.Stages[i].Plan.Environment
	columns := []Column{
		{ColumnData + name, r.dataCells(i)},
		{ColumnChecks + name, r.gateCells(i, true)},
		{ColumnDeploy + name, r.deployCells(i)},
		{ColumnGates + name, r.gateCells(i, false)},
	}
	return slices.DeleteFunc(columns, func(c Column) bool { return len(c.Cells) == 0 })
}

// dataCells shows the copy of the version into the bucket of stage i.
func (r *Run) dataCells(i int) []Cell {
	if !r.supplies(i) {
		return nil
	}
	s := &r.Stages[i]
	c := Cell{Name: r.Data.Bucket.Purpose + " → " + s.Plan.Bucket.Purpose, Environment: s.Plan.Environment}
	switch {
	case s.Supply.Done:
		c.Mark, c.Reason = MarkPassed, s.Supply.passed()
	case s.Supply.Problem != "":
		c.Mark, c.Reason = MarkFailed, s.Supply.Problem
	case r.turned():
		c.Mark = MarkSkipped
	case !s.Supply.Began.IsZero() && r.State == Stalled:
		c.Mark = MarkUnsure
	case !s.Supply.Began.IsZero():
		c.Mark, c.Reason = MarkRunning, s.Supply.passed()
	}
	return []Cell{c}
}

// laneCell shows the wait for the lane.
func (r *Run) laneCell() Cell {
	c := Cell{Name: r.Lane}
	switch {
	case r.State == Queued:
		c.Mark, c.Reason = MarkRunning, r.Reason
	case r.held():
		c.Mark = MarkPassed
	default:
		c.Mark = MarkSkipped
	}
	return c
}

// held reports that the run has held its lane, with a plan. One that puts another
// back brings its plan along, and can be cancelled only while it waits.
func (r *Run) held() bool {
	return len(r.Stages) > 0 && r.State != Queued && (r.Undoes == "" || r.State != Cancelled)
}

// startCell shows who or what asked for the run, once its plan is fixed.
func (r *Run) startCell() Cell {
	c := Cell{Name: "start", Link: r.Link}
	switch {
	case r.held():
		c.Mark, c.Reason = MarkPassed, "asked for by "+r.Asked()
	case r.State == Refused:
		c.Mark, c.Reason = MarkFailed, r.Reason
	case r.Settled():
		c.Mark = MarkSkipped
	}
	return c
}

// Asked says who or what asked for the run: "a tag, pushed by ana", "ana through the
// API", "schedule nightly of integration".
func (r *Run) Asked() string {
	switch {
	case r.Origin.Announces():
		return r.announcement()
	case r.Origin == OriginSchedule:
		return "schedule " + r.By
	case r.Origin == OriginComment:
		return r.By + " in a comment"
	case r.By != "":
		return r.By + " through the API"
	}
	return "the API"
}

// deployCells shows each service of stage i on its way forward.
func (r *Run) deployCells(i int) []Cell {
	s := &r.Stages[i]
	var cells []Cell
	for _, service := range s.Plan.Services {
		c := Cell{Name: service.Name, Environment: s.Plan.Environment, To: r.Version}
		if bump, ok := s.Delivery.bump(s.Plan.Environment, service); ok {
			c.From = bump.From
		}
		if !s.Delivery.show(&c) {
			c.Mark, c.Reason, c.Link = r.pending(i), "", s.Delivery.Link
		}
		cells = append(cells, c)
	}
	if p := s.Plan.Deploy; p != nil {
		c := Cell{Name: p.Name, Environment: s.Plan.Environment, To: r.Version, Mark: r.pending(i)}
		if len(s.Delivery.Sets) > 0 {
			c.From = s.Delivery.Sets[0].From
		}
		if s.Delivery.Set {
			c.Mark = MarkPassed
		}
		cells = append(cells, c)
	}
	return cells
}

// pending is the mark of a service of stage i of which nothing was seen yet.
func (r *Run) pending(i int) Mark {
	switch {
	case r.turned():
		return MarkSkipped
	case i != r.Stage || r.Stages[i].Delivery.Change.Repo == "":
		return MarkOpen
	case r.State == Stalled || r.halted():
		return MarkUnsure
	}
	return MarkRunning
}

// turned reports that the run does not go forward any more.
func (r *Run) turned() bool {
	return r.Settled() || r.Direction == Back || r.State == Failed || r.Resume == Failed
}

// gateCells shows the gates before stage i, or after it.
func (r *Run) gateCells(i int, before bool) []Cell {
	s := &r.Stages[i]
	var cells []Cell
	for n, plan := range s.Plan.Gates {
		if plan.Before != before {
			continue
		}
		c := Cell{Name: plan.Name, Environment: s.Plan.Environment}
		if n < len(s.Gates) {
			c.Mark, c.Reason, c.Link = s.Gates[n].mark(), s.Gates[n].Reason, s.Gates[n].Link
		}
		if r.turned() && (c.Mark == MarkOpen || c.Mark == MarkRunning) {
			c.Mark = MarkSkipped
		}
		if plan.AllowFailure && c.Mark == MarkFailed {
			c.Mark = MarkWarned
		}
		cells = append(cells, c)
	}
	return cells
}

// mark says how a gate stands.
func (g GateState) mark() Mark {
	switch g.Outcome {
	case GatePassed:
		return MarkPassed
	case GateAllowed:
		return MarkWarned
	case GateFailed, GateNone:
		return MarkFailed
	}
	if g.Since.IsZero() {
		return MarkOpen
	}
	return MarkRunning
}

// recordCells shows each parameter that holds a last good version.
func (r *Run) recordCells() []Cell {
	var cells []Cell
	for _, s := range r.Stages {
		if s.Plan.Record == nil {
			continue
		}
		c := Cell{Name: s.Plan.Record.Name, Environment: s.Plan.Environment}
		switch {
		case s.Recorded && r.Undoes == "":
			c.Mark, c.To = MarkPassed, r.Version
		case r.Undoes != "" && s.Before == nil && r.Direction == Back:
			c.Mark, c.Reason = MarkPassed, "holds what it held before the run"
		case r.turned():
			c.Mark = MarkSkipped
		case r.State == Gated && r.Stage == len(r.Stages)-1:
			c.Mark = MarkRunning
		}
		cells = append(cells, c)
	}
	return cells
}

// finishCell shows how the run ended, or that a person is needed.
func (r *Run) finishCell() Cell {
	c := Cell{Name: r.Result(), Reason: r.Reason, Mark: MarkSkipped}
	switch r.State {
	case Done:
		c.Mark = MarkPassed
		if len(r.Warnings) > 0 {
			c.Mark = MarkWarned
		}
	case RolledBack, RollbackFailed:
		c.Mark = MarkFailed
		if r.State == RolledBack && r.Undoes != "" {
			c.Mark = MarkPassed // that is what was asked for
		}
	case Stalled:
		c.Name, c.Mark = "a person is needed", MarkUnsure
	case Refused, Cancelled, Superseded:
	default:
		if r.Held == nil {
			return Cell{Name: "finish"}
		}
		c.Name, c.Reason, c.Mark = "held", r.Held.String(), MarkUnsure
	}
	return c
}

// bump returns the bump that a delivery carries for a service: its own, or that of the
// parameter where it has no file.
func (d *Delivery) bump(environment string, s Service) (gitops.Bump, bool) {
	bumps, name := d.Change.Bumps, s.Name
	if s.File == "" {
		bumps, name = d.Sets, ""
	}
	for _, b := range bumps {
		if b.Environment == environment && (b.Service == name || name == "") {
			return b, true
		}
	}
	return gitops.Bump{}, false
}

// show fills a cell with what was last seen of its service, if anything was.
func (d *Delivery) show(c *Cell) bool {
	for _, sync := range d.Seen {
		if sync.Environment != c.Environment {
			continue
		}
		for _, s := range sync.Services {
			if s.Service == c.Name {
				c.Mark, c.Reason, c.Link = markOf(s.Known), s.Reason, s.Link
				return true
			}
		}
	}
	return false
}

// markOf says how a service stands of which so much is known.
func markOf(k gitops.Known) Mark {
	switch k {
	case gitops.Running:
		return MarkPassed
	case gitops.Broken:
		return MarkFailed
	case gitops.NotYet:
		return MarkRunning
	}
	return MarkUnsure
}
