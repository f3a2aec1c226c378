// Package data reaches what belongs to data versions outside of git: the SSM
// parameters that hold the last good version of an environment, and the secrets that
// the configuration names by reference.
//
// It looks before it writes, and it never overwrites a value that it has not been
// shown.
package data
