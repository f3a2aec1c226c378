package bot

// A Filter selects runs. Empty fields do not restrict.
type Filter struct {
	Track  string
	Lane   string
	States []State
	Limit  int // at most so many, the newest first; 0 means 50
}
