package weights

import (
	"encoding/binary"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/pkg/errors"
	"gorgonia.org/tensor"

	"neocog/graph"
)

// The npy format (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html):
//
//	6 bytes        "\x93NUMPY"
//	2 bytes        version: 1.0, 2.0 or 3.0
//	2 or 4 bytes   n, little-endian; 2 in version 1.0
//	n bytes        a dictionary of Python: {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }, filled up with
//	               blanks to a multiple of 64, a line feed at the end
//	the rest       the elements
const npyMagic = "\x93NUMPY"

// maxNPYHeader is the longest header that is read, in bytes: NumPy's own limit is 10,000.
const maxNPYHeader = 1 << 16

// WriteNPY writes a tensor in NumPy's format, version 1.0.
func WriteNPY(w io.Writer, d *tensor.Dense) error {
	t, x, err := elements(d)
	if err != nil {
		return err
	}
	if _, err := w.Write(npyHead(t)); err != nil {
		return err
	}
	return binary.Write(w, binary.LittleEndian, x)
}

// npyHead returns what stands before the elements.
func npyHead(t graph.Type) []byte {
	k := kindOf(t.DType)
	order := "<"
	if k.size == 1 {
		order = "|"
	}
	shape := ""
	for _, n := range t.Shape {
		shape += fmt.Sprintf("%d, ", n)
	}
	if len(t.Shape) != 1 {
		shape = strings.TrimSuffix(shape, ", ")
	} else {
		shape = strings.TrimSuffix(shape, " ") // (3,) is a tuple, (3) a number
	}
	text := fmt.Sprintf("{'descr': '%s%s', 'fortran_order': False, 'shape': (%s), }", order, k.npy, shape)
	text += strings.Repeat(" ", 63-(10+len(text))%64) + "\n"
	return append([]byte(npyMagic+"\x01\x00"), append([]byte{byte(len(text)), byte(len(text) >> 8)}, text...)...)
}

// DecodeNPY reads an array of NumPy's format, versions 1.0 to 3.0: elements f2, f4, f8, i4, i8, b1 or the bfloat16 of
// ml_dtypes, in either byte order, in order of rows or of columns (Fortran's). Halves become float32, exactly.
func DecodeNPY(file []byte) (*tensor.Dense, error) {
	h, body, err := decodeNPYHeader(file)
	if err != nil {
		return nil, err
	}
	k, order, err := descriptor(h.descr)
	if err != nil {
		return nil, err
	}
	t, n, err := k.lengthOf(h.shape)
	if err != nil {
		return nil, err
	}
	if n != len(body) {
		return nil, errors.Errorf("%s%v takes %d bytes, the .npy file has %d", h.descr, h.shape, n, len(body))
	}
	if !h.fortran || len(t.Shape) < 2 {
		return k.decode(t, body, order), nil
	}
	return k.decode(t, byRows(body, t.Shape, k.size), order), nil
}

// byRows returns elements that lie in order of columns in order of rows.
func byRows(cols []byte, shape graph.Shape, size int) []byte {
	rows := make([]byte, len(cols))
	index := make([]int, len(shape))
	for at := 0; at < len(rows); at += size {
		from, stride := 0, size
		for i, x := range index {
			from += x * stride
			stride *= shape[i]
		}
		copy(rows[at:at+size], cols[from:])
		for i := len(index) - 1; i >= 0; i-- {
			if index[i]++; index[i] < shape[i] {
				break
			}
			index[i] = 0
		}
	}
	return rows
}

// descriptor reads a name such as <f4: byte order, kind, size.
func descriptor(descr string) (kind, binary.ByteOrder, error) {
	if len(descr) > 1 {
		for _, k := range kinds {
			switch {
			case descr[1:] != k.npy:
			case descr[0] == '>' && k.size > 1:
				return k, binary.BigEndian, nil
			case descr[0] == '<', descr[0] == '|' && k.size == 1, descr[0] == '=' && k.size > 1:
				return k, binary.LittleEndian, nil
			}
		}
	}
	return kind{}, nil, errors.Errorf("the array has elements %.20q, want f2, f4, f8, i4, i8 or b1; convert it with astype", descr)
}

type npyHeader struct {
	descr   string
	fortran bool
	shape   []uint64
}

// decodeNPYHeader reads the header and returns what follows it.
func decodeNPYHeader(file []byte) (h npyHeader, body []byte, err error) {
	if len(file) < 10 || string(file[:6]) != npyMagic {
		return h, nil, errors.New("it is no .npy file")
	}
	n, body := int64(binary.LittleEndian.Uint16(file[8:])), file[10:]
	switch {
	case file[6] < 1 || file[6] > 3:
		return h, nil, errors.Errorf("the .npy file has version %d.%d, want 1.0, 2.0 or 3.0", file[6], file[7])
	case file[6] > 1 && len(file) < 12:
		return h, nil, errors.New("the .npy file ends in its header")
	case file[6] > 1:
		n, body = int64(binary.LittleEndian.Uint32(file[8:])), file[12:]
	}
	if n > maxNPYHeader {
		return h, nil, errors.Errorf("the header of the .npy file takes %d bytes, the most is %d", n, maxNPYHeader)
	}
	if n > int64(len(body)) {
		return h, nil, errors.New("the .npy file ends in its header")
	}
	s := &scanner{text: string(body[:n])}
	if err := s.dictionary(&h); err != nil {
		return h, nil, errors.WithMessagef(err, "the header of the .npy file is %.80q", body[:n])
	}
	return h, body[n:], nil
}

// A scanner reads the dictionary of a header from left to right.
type scanner struct{ text string }

// take skips blanks and then, if it is there, the text want.
func (s *scanner) take(want string) bool {
	s.text = strings.TrimLeft(s.text, " \t\r\n")
	rest, ok := strings.CutPrefix(s.text, want)
	if ok {
		s.text = rest
	}
	return ok
}

// dictionary reads the three facts, in any order, and nothing else.
func (s *scanner) dictionary(h *npyHeader) error {
	if !s.take("{") {
		return errors.New("want a dictionary")
	}
	seen := map[string]bool{}
	for !s.take("}") {
		key, err := s.quoted()
		if err != nil {
			return err
		}
		if seen[key] || !s.take(":") {
			return errors.Errorf("want %q once, and a colon behind it", key)
		}
		seen[key] = true
		switch key {
		case "descr":
			h.descr, err = s.quoted()
			if err != nil {
				err = errors.New("want elements of one type, with its name in quotes")
			}
		case "fortran_order":
			h.fortran = s.take("True")
			if !h.fortran && !s.take("False") {
				err = errors.New("want True or False for fortran_order")
			}
		case "shape":
			h.shape, err = s.tuple()
		default:
			err = errors.Errorf("the key %.20q is not known", key)
		}
		if err != nil {
			return err
		}
		if !s.take(",") && !strings.HasPrefix(strings.TrimLeft(s.text, " \t\r\n"), "}") {
			return errors.New("want a comma or the end of the dictionary")
		}
	}
	if len(seen) != 3 {
		return errors.New("want descr, fortran_order and shape")
	}
	if s.take(""); s.text != "" {
		return errors.Errorf("there is %.20q behind the dictionary", s.text)
	}
	return nil
}

// quoted reads a text in quotes of either kind, without escapes.
func (s *scanner) quoted() (string, error) {
	for _, quote := range []string{"'", `"`} {
		if s.take(quote) {
			text, rest, ok := strings.Cut(s.text, quote)
			if !ok || strings.Contains(text, `\`) {
				break
			}
			s.text = rest
			return text, nil
		}
	}
	return "", errors.New("want a text in quotes")
}

// tuple reads (), (3,) or (3, 4). Python 2 wrote 3L.
func (s *scanner) tuple() ([]uint64, error) {
	if !s.take("(") {
		return nil, errors.New("want a shape in parentheses")
	}
	list := []uint64{}
	for !s.take(")") {
		s.take("")
		digits := len(s.text) - len(strings.TrimLeft(s.text, "0123456789"))
		n, err := strconv.ParseUint(s.text[:digits], 10, 64)
		if err != nil || len(list) == graph.MaxRank {
			return nil, errors.Errorf("want at most %d extents, whole numbers from 0", graph.MaxRank)
		}
		list, s.text = append(list, n), s.text[digits:]
		s.take("L")
		if !s.take(",") && !strings.HasPrefix(strings.TrimLeft(s.text, " \t\r\n"), ")") {
			return nil, errors.New("want a comma or the end of the shape")
		}
	}
	return list, nil
}
