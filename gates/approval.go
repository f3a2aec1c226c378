package gates

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// An Approval is a gate that waits for people: enough of those who may have to say yes,
// and none of them may say no. Nobody counts twice; see Person.Is.
type Approval struct {
	From      Opinions
	By        []string // who may answer; empty: everybody
	Count     int      // how many have to say yes; 1 when 0
	NotAuthor bool     // the one who asked for the run may not answer
}

// Start begins nothing: people are told by the run.
func (g Approval) Start(context.Context, Subject) (string, error) { return "", nil }

// Ask counts.
func (g Approval) Ask(ctx context.Context, s Subject, _ string) (Verdict, error) {
	opinions, err := g.From.Opinions(ctx, s)
	if err != nil {
		return Verdict{}, fmt.Errorf("read approvals: %w", err)
	}
	var yes []string
	var counted []Person
	author := Person{s.By, s.ByID}
	for _, o := range opinions {
		by := Person{o.By, o.ByID}
		switch {
		case g.May(by, author) != nil || slices.ContainsFunc(counted, by.Is):
		case !o.Yes:
			return Verdict{Result: Failed, Reason: "denied by " + o.By + because(o.Reason)}, nil
		default:
			yes, counted = append(yes, o.By), append(counted, by)
		}
	}
	if want := max(g.Count, 1); len(yes) < want {
		return Verdict{Reason: fmt.Sprintf("%d of %d approvals; may approve: %s", len(yes), want, g.who(s.By))}, nil
	}
	return Verdict{Result: Passed, Reason: "approved by " + strings.Join(yes, ", ")}, nil
}

// May returns nil when somebody may answer the gate of a run that author asked for,
// else a sentence that says why not. Where the author may not answer and nobody knows
// who that is, nobody may: it could be the one who answers.
func (g Approval) May(by, author Person) error {
	switch {
	case by.Name == "":
		return errors.New("an approval needs a name")
	case g.NotAuthor && author.Name == "":
		return errors.New("nobody knows who asked for the run, and whoever did may not approve it: cancel it and ask for the version by name")
	case g.NotAuthor && by.Is(author):
		return fmt.Errorf("%s asked for the run, and somebody else has to approve it", by.Name)
	case len(g.By) > 0 && !slices.ContainsFunc(g.By, func(name string) bool { return by.Is(Person{Name: name}) }):
		return fmt.Errorf("%s may not approve here, but %s may", by.Name, g.who(author.Name))
	}
	return nil
}

// who says who may answer the gate of a run that author asked for.
func (g Approval) who(author string) string {
	switch {
	case g.NotAuthor && author == "":
		return "nobody, because nobody knows who asked for the run"
	case g.NotAuthor && len(g.By) == 0:
		return "anybody but " + author
	case len(g.By) == 0:
		return "anybody"
	}
	may := slices.DeleteFunc(slices.Clone(g.By), func(name string) bool { return g.NotAuthor && Person{Name: name}.Is(Person{Name: author}) })
	if len(may) == 0 {
		return "nobody"
	}
	return strings.Join(may, ", ")
}
