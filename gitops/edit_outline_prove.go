package gitops

import "bytes"

// proves reports whether after, read from the file that splice made, is the outline o
// with the one scalar at replaced by to.
//
// It is as strong as parsing both and comparing the trees, because an outline is a tree
// that the parser agrees with. All other bytes are the same; every other key and value
// stands in the same block and in the same bytes; and the bytes that are new read as one
// scalar, which is to, and a string to every reader. Were the position wrong, in a
// comment, in a key, or a part of something longer, then either no entry would read as
// to, or another one would have changed.
func (o outline) proves(at scalar, after outline, to Version) bool {
	if len(o.entries) != len(after.entries) || !o.keeps(at, after) {
		return false
	}
	grown := len(after.data) - len(o.data)
	proved := false
	for i, was := range o.entries {
		is := after.entries[i]
		if i == at.entry {
			found := was.value == span{at.start, at.end}
			was.form, was.value = at.becomes(was.form, len(to), grown)
			proved = found && after.says(was.value, string(to)) &&
				(was.form != formPlain || was.tag == tagString || readsAsString(string(to)))
		} else {
			was.key, was.value = at.moved(was.key, grown), at.moved(was.value, grown)
		}
		if is != was {
			return false
		}
	}
	return proved
}

// becomes returns how and where a version of the given size stands in place of the scalar
// at, which had the form f, when the file has grown by so much: in quotes, if it has two
// bytes more than the version needs.
func (at scalar) becomes(f form, size, grown int) (form, span) {
	start := at.start
	if at.end-at.start+grown == size+2 {
		f, start = formDouble, start+1
	}
	return f, span{start, start + size}
}

// keeps reports whether all bytes outside of the scalar at are those of o, also as the
// reader sees them.
func (o outline) keeps(at scalar, after outline) bool {
	return bytes.HasPrefix(after.data, o.data[:at.start]) && bytes.HasSuffix(after.data, o.data[at.end:]) &&
		bytes.HasPrefix(after.text, o.text[:at.start]) && bytes.HasSuffix(after.text, o.text[at.end:])
}

// moved returns where a span stands in the file that has grown so much at the scalar,
// which a flow map or list may hold.
func (at scalar) moved(s span, grown int) span {
	if s.start >= at.end {
		s.start += grown
	}
	if s.end >= at.end {
		s.end += grown
	}
	return s
}
