package onnxpb

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"unsafe"

	"google.golang.org/protobuf/encoding/protowire"
)

// MaxDepth is how many messages may lie in each other. A tensor in a node of a
// graph takes 5 levels, and one in a branch of an If 3 more.
const MaxDepth = 64

// An Error is what is wrong with the bytes of a file.
type Error struct {
	Message string // the message that was being read, such as Node
	Offset  int    // bytes from the beginning of the file
	Err     error
}

// Error returns the text: the message, the place and what is wrong.
func (e *Error) Error() string {
	return fmt.Sprintf("byte %d, in a %s: %v", e.Offset, e.Message, e.Err)
}

// Unwrap returns what is wrong, without the place.
func (e *Error) Unwrap() error { return e.Err }

// Unmarshal reads the message m, a pointer to one of the structs of this
// package, from data. Byte slices and strings of m alias data, which must not
// change afterwards.
//
// A file may take 4 MiB of memory for its messages, and 12 bytes for each of
// its own: five times what networks take. Beyond that it is refused, so that
// a small file which consists of empty messages cannot take gigabytes.
func Unmarshal(data []byte, m any) error {
	v := reflect.ValueOf(m).Elem()
	d := decoder{file: data, budget: 4<<20 + 12*len(data)}
	return d.message(data, v, 0)
}

type decoder struct {
	file   []byte
	budget int // bytes that may still be allocated
}

var (
	errDepth  = fmt.Errorf("messages are nested more than %d deep", MaxDepth)
	errBudget = errors.New("the file consists of so many small messages that they take many times its length in memory")
)

// offset returns where in the file b begins.
func (d *decoder) offset(b []byte) int {
	return int(uintptr(unsafe.Pointer(unsafe.SliceData(b))) - uintptr(unsafe.Pointer(unsafe.SliceData(d.file))))
}

func (d *decoder) message(b []byte, v reflect.Value, depth int) error {
	t := v.Type()
	fail := func(err error) error {
		return &Error{Message: t.Name(), Offset: d.offset(b), Err: err}
	}
	if depth > MaxDepth {
		return fail(errDepth)
	}
	table := fields(t)
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return fail(damage(n))
		}
		i, known := table[num]
		if !known {
			m := protowire.ConsumeFieldValue(num, typ, b[n:])
			if m < 0 {
				return fail(damage(m))
			}
			b = b[n+m:]
			continue
		}
		m, err := d.field(b[n:], typ, v.Field(i), depth)
		if err != nil {
			var e *Error
			if errors.As(err, &e) {
				return err
			}
			return fail(fmt.Errorf("field %s: %w", t.Field(i).Name, err))
		}
		b = b[n+m:]
	}
	return nil
}

// damage is what protowire says by a negative length.
func damage(n int) error {
	if errors.Is(protowire.ParseError(n), errTruncated) {
		return errors.New("the file ends too early")
	}
	return fmt.Errorf("it is no protocol buffer: %w", protowire.ParseError(n))
}

var errTruncated = protowire.ParseError(-1)

// field reads the value of a field of the given wire type into v and returns its
// length.
func (d *decoder) field(b []byte, typ protowire.Type, v reflect.Value, depth int) (int, error) {
	switch typ {
	case protowire.BytesType:
		s, n := protowire.ConsumeBytes(b)
		if n < 0 {
			return 0, damage(n)
		}
		return n, d.bytes(s, v, depth)
	case protowire.VarintType:
		x, n := protowire.ConsumeVarint(b)
		if n < 0 {
			return 0, damage(n)
		}
		return n, d.number(x, typ, v)
	case protowire.Fixed32Type:
		x, n := protowire.ConsumeFixed32(b)
		if n < 0 {
			return 0, damage(n)
		}
		return n, d.number(uint64(x), typ, v)
	case protowire.Fixed64Type:
		x, n := protowire.ConsumeFixed64(b)
		if n < 0 {
			return 0, damage(n)
		}
		return n, d.number(x, typ, v)
	}
	return 0, fmt.Errorf("wire type %d is none that ONNX has", typ)
}

// bytes reads a length-delimited value: bytes, text, a message, or packed numbers.
func (d *decoder) bytes(s []byte, v reflect.Value, depth int) error {
	switch t := v.Type(); {
	case t.Kind() == reflect.String:
		v.SetString(unsafe.String(unsafe.SliceData(s), len(s)))
	case t == bytesType:
		v.SetBytes(s[:len(s):len(s)])
	case t.Kind() == reflect.Pointer && t.Elem().Kind() == reflect.Struct:
		if v.IsNil() {
			if err := d.spend(t.Elem().Size()); err != nil {
				return err
			}
			v.Set(reflect.New(t.Elem()))
		}
		return d.message(s, v.Elem(), depth+1) // a second one is merged, as protobuf says
	case t.Kind() == reflect.Slice && isNumber(t.Elem().Kind()):
		return d.packed(s, v)
	case t.Kind() == reflect.Slice:
		e, err := d.grow(v)
		if err != nil {
			return err
		}
		return d.bytes(s, e, depth)
	default:
		return fmt.Errorf("bytes, want a number")
	}
	return nil
}

// number reads a number, one of many or the only one.
func (d *decoder) number(x uint64, typ protowire.Type, v reflect.Value) error {
	if v.Kind() == reflect.Slice && isNumber(v.Type().Elem().Kind()) && v.Type() != bytesType {
		e, err := d.grow(v)
		if err != nil {
			return err
		}
		v = e
	}
	if v.Kind() == reflect.Pointer && isNumber(v.Type().Elem().Kind()) {
		if err := d.spend(8); err != nil {
			return err
		}
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	if want, ok := wireType(v.Kind()); !ok || want != typ {
		return fmt.Errorf("a number of wire type %d, want another kind of value", typ)
	}
	switch v.Kind() {
	case reflect.Float32:
		v.SetFloat(float64(math.Float32frombits(uint32(x))))
	case reflect.Float64:
		v.SetFloat(math.Float64frombits(x))
	case reflect.Uint64:
		v.SetUint(x)
	default:
		if v.Kind() == reflect.Int32 && int64(int32(x)) != int64(x) {
			return fmt.Errorf("%d does not fit into 32 bits", int64(x))
		}
		v.SetInt(int64(x))
	}
	return nil
}

// packed appends packed numbers to the slice v.
func (d *decoder) packed(s []byte, v reflect.Value) error {
	elem := v.Type().Elem()
	typ, _ := wireType(elem.Kind())
	count := 0
	switch typ {
	case protowire.VarintType:
		for _, c := range s {
			if c < 0x80 {
				count++
			}
		}
	case protowire.Fixed32Type:
		count = len(s) / 4
	case protowire.Fixed64Type:
		count = len(s) / 8
	}
	if err := d.spend(uintptr(v.Len()+count) * elem.Size()); err != nil {
		return err
	}
	at := v.Len()
	grown := reflect.MakeSlice(v.Type(), at+count, at+count)
	reflect.Copy(grown, v)
	v.Set(grown)
	for ; len(s) > 0; at++ {
		if at == v.Len() {
			return damage(-1)
		}
		n, err := d.field(s, typ, v.Index(at), 0)
		if err != nil {
			return err
		}
		s = s[n:]
	}
	return nil
}

// grow appends a zero element to the slice v and returns it.
func (d *decoder) grow(v reflect.Value) (reflect.Value, error) {
	if v.Len() == v.Cap() {
		// What is left behind stays until it is collected, and so counts too.
		if err := d.spend(uintptr(max(4, 2*v.Cap())) * v.Type().Elem().Size()); err != nil {
			return reflect.Value{}, err
		}
		grown := reflect.MakeSlice(v.Type(), v.Len(), max(4, 2*v.Cap()))
		reflect.Copy(grown, v)
		v.Set(grown)
	}
	v.SetLen(v.Len() + 1)
	return v.Index(v.Len() - 1), nil
}

func (d *decoder) spend(n uintptr) error {
	if d.budget -= int(n); d.budget < 0 {
		return errBudget
	}
	return nil
}
