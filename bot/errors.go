package bot

import "errors"

// ErrNotFound says that there is no such run.
var ErrNotFound = errors.New("not found")

// ErrRefused says that what a person asked for makes no sense where the run or the
// lane stands now. The text that wraps it says why, in a sentence for that person.
var ErrRefused = errors.New("refused")

// ErrConflict says that the run was saved by somebody else since it was read: read
// again, then decide again. Nothing was written.
var ErrConflict = errors.New("changed meanwhile")
