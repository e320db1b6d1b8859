package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"gorgonia.org/tensor"

	"neocog/data"
	"neocog/onnx"
	"neocog/weights"
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
		return weights.DecodeNPY(b)
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
