package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"gorgonia.org/tensor"

	"neocog/data"
	"neocog/graph"
	"neocog/onnx"
	"neocog/vm"
)

// pixelOptions say what number a pixel becomes.
type pixelOptions struct {
	divide    float64
	mean, std []float64
}

// readTensor reads an array or a picture for an input.
func readTensor(path string, p onnx.Port, o pixelOptions) (*tensor.Dense, error) {
	switch ext := strings.ToLower(filepath.Ext(path)); ext {
	case ".npy":
		b, err := os.ReadFile(path)
		if err != nil {
			return nil, errors.Unwrap(err)
		}
		return readNPY(b)
	case ".pb":
		b, err := os.ReadFile(path)
		if err != nil {
			return nil, errors.Unwrap(err)
		}
		return onnx.DecodeTensor(b)
	case ".png", ".jpg", ".jpeg":
		return readPixels(path, p, o)
	default:
		return nil, fmt.Errorf("files ending in %q are not known, want .npy, .pb, .png or .jpg", ext)
	}
}

// image is the type of an input that takes pictures: one of them, or any number.
var imageType = regexp.MustCompile(`^float\[[^,]*,(1|3),(\d+),(\d+)\]$`)

// readPixels reads a picture as f32[1,C,H,W].
func readPixels(path string, p onnx.Port, o pixelOptions) (*tensor.Dense, error) {
	m := imageType.FindStringSubmatch(p.Type)
	if m == nil {
		return nil, fmt.Errorf("the input %s is %s, which is no picture of known size, float[N,1,H,W] or float[N,3,H,W]", p.Name, p.Type)
	}
	c, _ := strconv.Atoi(m[1])
	h, errH := strconv.Atoi(m[2])
	w, errW := strconv.Atoi(m[3])
	if errH != nil || errW != nil {
		return nil, fmt.Errorf("the input %s is %s, which is too large", p.Name, p.Type)
	}
	for name, v := range map[string][]float64{"--mean": o.mean, "--std": o.std} {
		if len(v) != 0 && len(v) != c {
			return nil, fmt.Errorf("%s has %d numbers, the picture %d channels", name, len(v), c)
		}
	}
	img, err := readImage(path)
	if err != nil {
		return nil, err
	}
	pixels, err := data.FitImage(img, c, h, w, data.FitOptions{})
	if err != nil {
		return nil, err
	}
	x := make([]float32, len(pixels))
	for i, v := range pixels {
		ch, f := i/(h*w), float64(v)/o.divide
		if o.mean != nil {
			f -= o.mean[ch]
		}
		if o.std != nil {
			f /= o.std[ch]
		}
		x[i] = float32(f)
	}
	return tensor.New(tensor.WithShape(1, c, h, w), tensor.WithBacking(x)), nil
}

// npyTypes are NumPy's names of the element types that Neocog has.
var npyTypes = map[string]graph.DType{"<f4": graph.Float32, "<f8": graph.Float64, "<i4": graph.Int32, "<i8": graph.Int64, "|b1": graph.Bool}

var npyHeader = regexp.MustCompile(`^\{'descr': '([^']+)', 'fortran_order': (True|False), 'shape': \(([0-9, ]*)\), \}\s*$`)

// readNPY reads an array of NumPy's format, version 1 to 3, in row-major order.
func readNPY(b []byte) (*tensor.Dense, error) {
	if len(b) < 10 || string(b[:6]) != "\x93NUMPY" {
		return nil, errors.New("it is no .npy file")
	}
	n, body := int(binary.LittleEndian.Uint16(b[8:])), b[10:]
	if b[6] > 1 {
		if len(b) < 12 {
			return nil, errors.New("the .npy file ends too early")
		}
		n, body = int(binary.LittleEndian.Uint32(b[8:])), b[12:]
	}
	if n > len(body) {
		return nil, errors.New("the .npy file ends too early")
	}
	m := npyHeader.FindStringSubmatch(string(body[:n]))
	if m == nil {
		return nil, fmt.Errorf("the header of the .npy file is %.80q, which is not known", body[:n])
	}
	d, ok := npyTypes[m[1]]
	if !ok || m[2] == "True" {
		return nil, fmt.Errorf("the array has elements %s, in order of columns: %s; want <f4, <f8, <i4, <i8 or |b1 in order of rows", m[1], m[2])
	}
	t := graph.Type{DType: d, Shape: graph.Shape{}}
	for _, f := range strings.FieldsFunc(m[3], func(r rune) bool { return r == ',' || r == ' ' }) {
		extent, err := strconv.Atoi(f)
		if err != nil {
			return nil, fmt.Errorf("the shape (%s) is too large", m[3])
		}
		t.Shape = append(t.Shape, extent)
	}
	if err := t.Check(); err != nil {
		return nil, err
	}
	body = body[n:]
	if t.Bytes() != len(body) {
		return nil, fmt.Errorf("%v takes %d bytes, the .npy file has %d", t, t.Bytes(), len(body))
	}
	size := t.Shape.Size()
	var backing any
	switch d {
	case graph.Float32:
		backing = make([]float32, size)
	case graph.Float64:
		backing = make([]float64, size)
	case graph.Int32:
		backing = make([]int32, size)
	case graph.Int64:
		backing = make([]int64, size)
	default:
		backing = make([]bool, size)
	}
	if _, err := binary.Decode(body, binary.LittleEndian, backing); err != nil {
		return nil, err
	}
	return tensor.New(tensor.WithShape(t.Shape...), tensor.WithBacking(backing)), nil
}

// writeNPY writes a contiguous tensor in NumPy's format, version 1.
func writeNPY(w io.Writer, t *tensor.Dense) error {
	typ, err := vm.TypeOf(t)
	if err != nil {
		return err
	}
	descr := ""
	for name, d := range npyTypes {
		if d == typ.DType {
			descr = name
		}
	}
	shape := strings.Trim(typ.Shape.String(), "[]")
	if len(typ.Shape) == 1 {
		shape += ","
	}
	header := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", descr, strings.ReplaceAll(shape, ",", ", "))
	header += strings.Repeat(" ", 63-(10+len(header))%64) + "\n"
	b := append([]byte("\x93NUMPY\x01\x00"), byte(len(header)), byte(len(header)>>8))
	if _, err := w.Write(append(b, header...)); err != nil {
		return err
	}
	if typ.Shape.Size() == 0 {
		return nil
	}
	return binary.Write(w, binary.LittleEndian, t.Data())
}

// elements returns the elements of t for printing.
func elements(t *tensor.Dense) []any {
	var out []any
	if t.Size() == 0 {
		return out
	}
	for i := range t.DataSize() {
		out = append(out, t.Get(i))
	}
	return out
}
