package gitops

// A Release is one release of a data project.
type Release struct {
	Tag      string
	Commit   string // the commit that its tag points to; "" where the tag is gone
	Author   string // username, "" when not known
	Upcoming bool   // its time has not come
	Link     string
}
