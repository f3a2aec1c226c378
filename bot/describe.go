package bot

import (
	"fmt"
	"strings"
	"time"

	"lockstep/gitops"
	"lockstep/rollback"
)

// backChange returns the change that puts one repository back.
func (r *Run) backChange(put rollback.Put, now time.Time) gitops.Change {
	c := gitops.Change{Repo: put.Repo, When: now.UTC().Truncate(time.Second)}
	for _, bump := range put.Bumps {
		if bump.Repo == put.Repo && !strings.HasPrefix(bump.Repo, parameterRepo) {
			c.Bumps = append(c.Bumps, bump)
		}
	}
	p := r.environment(put.Bumps[0].Environment)
	c.Target, c.Branch = p.Branch, r.backBranch(put.Repo)
	if p.Pushed {
		c.Branch = c.Target
	}
	c.Title = title("Roll back %s %s (%s)", r.Package, r.Version, count(len(c.Bumps), "service"))
	c.Body = r.body(c)
	return c
}

// backBranch returns the branch of the next way back into a repository: another one
// after each that has landed there, because its merge request would be found again.
func (r *Run) backBranch(repo string) string {
	landed := 0
	for _, d := range r.Backs {
		if d.Change.Repo == repo && d.Landed != "" {
			landed++
		}
	}
	if landed > 0 {
		return fmt.Sprintf("lockstep/%s-back-%d", r.ID, landed+1)
	}
	return fmt.Sprintf("lockstep/%s-back", r.ID)
}

// body returns the commit message below the title: why, what, and the trailer.
func (r *Run) body(c gitops.Change) string {
	var text strings.Builder
	fmt.Fprintf(&text, "%s\n\n", oneLine(r.why()))
	for _, b := range c.Bumps {
		fmt.Fprintf(&text, "%s/%s: %s → %s\n", b.Environment, oneLine(b.Service), b.From, b.To)
	}
	fmt.Fprintf(&text, "\n%s: %s", gitops.TrailerRun, r.ID)
	return text.String()
}

// why says why the run writes at all: who asked, or what failed.
func (r *Run) why() string {
	if r.State == Failed && r.Cause != nil {
		return r.Cause.Sentence
	}
	return fmt.Sprintf("Track %s, asked for by %s.", r.Track, r.Asked())
}

// proposal returns the change of a delivery with what people read on its merge
// request.
func (b *Bot) proposal(r *Run, d *Delivery) gitops.Proposal {
	var text strings.Builder
	if r.Direction == Back {
		fmt.Fprintf(&text, "Puts back what the run of **%s %s** on track `%s` wrote: %s.\n\n", r.Package, r.Version, r.Track, escape(r.Cause.Sentence))
	} else {
		fmt.Fprintf(&text, "Sets **%s %s** for every dependent service on track `%s`, asked for by %s.\n\n", r.Package, r.Version, r.Track, escape(r.Asked()))
	}
	text.WriteString("| service | environment | file | key | old | new |\n|---|---|---|---|---|---|\n")
	for _, v := range d.Change.Bumps {
		fmt.Fprintf(&text, "| %s | %s | %s | %s | `%s` | `%s` |\n", escape(v.Service), escape(v.Environment), escape(v.File), escape(v.Key), v.From, v.To)
	}
	if r.Direction == Back {
		text.WriteString("\nLockstep merges this itself and verifies every service after it.\n")
	} else {
		text.WriteString("\nLockstep merges this itself, and puts it back when a deployment or a gate fails.\n")
	}
	if b.RunURL != nil {
		fmt.Fprintf(&text, "\n[Run %s](%s)\n", r.ID, b.RunURL(r.ID))
	}
	fmt.Fprintf(&text, "\n%s: %s\n", gitops.TrailerRun, r.ID)
	labels := []string{"lockstep", "data::" + r.Package}
	if r.Direction == Back {
		labels = append(labels, "rollback")
	}
	return gitops.Proposal{Change: d.Change, Description: text.String(), Labels: labels}
}

// markdown is what text from outside must not bring into Markdown: tables, code,
// links, HTML, mentions, quick actions.
var markdown = strings.NewReplacer(
	"\\", "\\\\", "|", "\\|", "`", "\\`", "*", "\\*", "_", "\\_", "[", "\\[", "]", "\\]",
	"<", "&lt;", ">", "&gt;", "@", "@\u200b", "\r", " ", "\n", " ",
)

// escape makes text from outside harmless in Markdown, on one line.
func escape(text string) string { return markdown.Replace(text) }

// oneLine makes text from outside one line, so that it brings no trailer into a commit
// message, and no quick action or comment to its beginning.
func oneLine(text string) string {
	return strings.TrimLeft(strings.Join(strings.Fields(text), " "), "/#")
}

// maxTitle is how many characters GitLab takes as the title of a merge request.
const maxTitle = 255

// title returns text as a title: what is too long ends in an ellipsis.
func title(format string, args ...any) string {
	text := []rune(fmt.Sprintf(format, args...))
	if len(text) > maxTitle {
		return string(text[:maxTitle-1]) + "…"
	}
	return string(text)
}
