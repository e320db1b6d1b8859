package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/image/draw"
	"gorgonia.org/tensor"

	"neocog/data"
	"neocog/graph"
	"neocog/internal/wholefile"
	"neocog/onnx"
	"neocog/ops"
)

// The scripts run this test binary under the name of the command.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"neocog": main})
}

func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("GOMAXPROCS", "2")
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){"exits": exits, "pictures": pictures, "onnxcases": onnxCases},
	})
}

// exits runs a command and checks its exit status: exits 2 neocog train --wrong.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits STATUS command [argument...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
}

// pictures writes pictures of the first test digit that is a 3, which training has not seen:
//
//	three.png    as the network sees it
//	paper.png    dark blue on yellowish paper, 300×400, off the centre
//	paper.jpg    the same
//	huge.png     a header of 100,000×100,000 pixels, and no more
//	cut.png      half of paper.png
func pictures(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 0 {
		ts.Fatalf("usage: pictures")
	}
	write := func(name string, encode func(io.Writer) error) []byte {
		var b bytes.Buffer
		ts.Check(encode(&b))
		ts.Check(wholefile.Write(ts.MkAbs(name), func(w io.Writer) error { _, err := w.Write(b.Bytes()); return err }))
		return b.Bytes()
	}
	_, test := data.DigitsSplit(0, 10, 1)
	i := 0
	for test.Labels[i] != 3 {
		i++
	}
	digit := picture(test, i).(*image.Gray)
	write("three.png", func(w io.Writer) error { return png.Encode(w, digit) })

	paper := image.NewRGBA(image.Rect(0, 0, 300, 400))
	draw.Draw(paper, paper.Rect, image.NewUniform(color.RGBA{250, 245, 220, 255}), image.Point{}, draw.Src)
	mask := &image.Alpha{Pix: digit.Pix, Stride: digit.Stride, Rect: digit.Rect}
	wide := image.NewAlpha(image.Rect(0, 0, 200, 200))
	draw.CatmullRom.Scale(wide, wide.Rect, mask, mask.Rect, draw.Src, nil)
	draw.DrawMask(paper, image.Rect(90, 30, 290, 230), image.NewUniform(color.RGBA{10, 20, 90, 255}), image.Point{}, wide, image.Point{}, draw.Over)
	whole := write("paper.png", func(w io.Writer) error { return png.Encode(w, paper) })
	write("paper.jpg", func(w io.Writer) error { return jpeg.Encode(w, paper, nil) })
	write("cut.png", func(w io.Writer) error { _, err := w.Write(whole[:len(whole)/2]); return err })

	header := append([]byte("IHDR"), make([]byte, 13)...)
	binary.BigEndian.PutUint32(header[4:], 100_000)
	binary.BigEndian.PutUint32(header[8:], 100_000)
	header[12] = 8 // bits of grey
	huge := append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0d"), header...)
	huge = binary.BigEndian.AppendUint32(huge, crc32.ChecksumIEEE(header))
	write("huge.png", func(w io.Writer) error { _, err := w.Write(huge); return err })
}

// onnxCases writes two test cases of ONNX, cases/right and cases/wrong: y = −x, with the right output and with another; and
// names.onnx, whose outputs a/b, a_b and ... are the same file.
func onnxCases(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 0 {
		ts.Fatalf("usage: onnxcases")
	}
	g := graph.New("negative")
	x := g.Input("x", graph.Of(graph.Float32, 2))
	y := ops.Neg(x)
	write := func(name string, data []byte, err error) {
		ts.Check(err)
		path := ts.MkAbs(name)
		ts.Check(os.MkdirAll(filepath.Dir(path), 0o755))
		ts.Check(os.WriteFile(path, data, 0o644))
	}
	numbers := func(name string, v ...float32) {
		data, err := onnx.EncodeTensor("", tensor.New(tensor.WithShape(2), tensor.WithBacking(v)))
		write(name, data, err)
	}
	for name, first := range map[string]float32{"right": -1, "wrong": 1} {
		data, err := onnx.Export(g, []*graph.Value{y}, nil, nil)
		write("cases/"+name+"/model.onnx", data, err)
		numbers("cases/"+name+"/test_data_set_0/input_0.pb", 1, 2)
		numbers("cases/"+name+"/test_data_set_0/output_0.pb", first, -2)
	}
	data, err := onnx.Export(g, []*graph.Value{y, ops.Exp(x), ops.Tanh(x), ops.Abs(x)}, []string{"a/b", "a_b", "...", "A_b"}, nil)
	write("names.onnx", data, err)
}
