package data

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"os"
	"runtime"
	"testing"
	"testing/iotest"
)

// pattern is a small colour image with no two rows or columns alike.
func pattern(w, h int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			img.SetRGBA(x, y, color.RGBA{byte(3 * x), byte(5 * y), byte(x ^ y), 255})
		}
	}
	return img
}

func pngFile(t *testing.T, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func jpegFile(t *testing.T, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 95}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// pngHeader is a PNG of w×h grey pixels that holds nothing but its header.
func pngHeader(w, h uint32) []byte {
	chunk := []byte("IHDR")
	chunk = binary.BigEndian.AppendUint32(chunk, w)
	chunk = binary.BigEndian.AppendUint32(chunk, h)
	chunk = append(chunk, 8, 0, 0, 0, 0)
	b := append([]byte("\x89PNG\r\n\x1a\n"), 0, 0, 0, 13)
	b = append(b, chunk...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(chunk))
}

func TestDecodeImage(t *testing.T) {
	want := pattern(31, 17)
	for name, file := range map[string][]byte{"png": pngFile(t, want), "jpeg": jpegFile(t, want)} {
		t.Run(name, func(t *testing.T) {
			got, err := DecodeImage(iotest.HalfReader(bytes.NewReader(file)))
			if err != nil {
				t.Fatal(err)
			}
			if got.Bounds() != want.Bounds() {
				t.Fatalf("size: want %v, got %v", want.Bounds(), got.Bounds())
			}
			if r, g, b, _ := got.At(9, 4).RGBA(); name == "png" && (r>>8 != 27 || g>>8 != 20 || b>>8 != 13) {
				t.Errorf("pixel (9,4): want 27 20 13, got %d %d %d", r>>8, g>>8, b>>8)
			}
		})
	}
}

func TestDecodeImageErrors(t *testing.T) {
	for _, c := range []struct {
		name string
		file []byte
		want string
	}{
		{"empty", nil, "image: want PNG or JPEG, got 0 bytes that are not (image: unknown format)"},
		{"text", []byte("a picture of a cat"), "image: want PNG or JPEG, got 18 bytes that are not (image: unknown format)"},
		{"too many pixels", pngHeader(10000, 10000), "image size: want 1×1 to 64 megapixels with sides up to 32768, got 10000×10000"},
		{"too wide", pngHeader(1<<20, 1), "image size: want 1×1 to 64 megapixels with sides up to 32768, got 1048576×1"},
		{"more than the file can hold", pngHeader(8000, 8000), "png header: want at most 272448 pixels in a file of 33 bytes, got 8000×8000"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := DecodeImage(bytes.NewReader(c.file))
			runtime.ReadMemStats(&after)
			wantFormatError(t, err, c.want)
			if used := after.TotalAlloc - before.TotalAlloc; used > 1<<20 {
				t.Errorf("want at most 1 MiB allocated for %d bytes, got %d", len(c.file), used)
			}
		})
	}
	broken := errors.New("disk on fire")
	if _, err := DecodeImage(iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("want the read error, got %v", err)
	}
}

// Every truncation is an error, but for a JPEG that lacks only its end marker.
func TestDecodeImageTruncations(t *testing.T) {
	for name, file := range map[string][]byte{"png": pngFile(t, pattern(9, 5)), "jpeg": jpegFile(t, pattern(9, 5))} {
		for n := range len(file) - 2 {
			_, err := DecodeImage(bytes.NewReader(file[:n]))
			if _, ok := errors.AsType[*FormatError](err); !ok {
				t.Errorf("%s: %d of %d bytes: want a *FormatError, got %v", name, n, len(file), err)
			}
		}
	}
}

// The bound on pixels a byte must not refuse what encoders really make of the emptiest image.
func TestDecodeImageAcceptsBlankImages(t *testing.T) {
	blank := image.NewPaletted(image.Rect(0, 0, 4000, 3000), color.Palette{color.Black, color.White})
	for name, file := range map[string][]byte{"png": pngFile(t, blank), "jpeg": jpegFile(t, image.NewGray(blank.Rect))} {
		if _, err := DecodeImage(bytes.NewReader(file)); err != nil {
			t.Errorf("%s of %d bytes: %v", name, len(file), err)
		}
	}
}

func TestDecodeImagePhotos(t *testing.T) {
	for name, want := range map[string]image.Point{
		"chelsea.jpg": {451, 300}, "chelsea.png": {451, 300}, "rocket.jpg": {640, 427}, "coffee.png": {600, 400},
	} {
		file, err := os.Open(shared(t, "photos/"+name))
		if err != nil {
			t.Fatal(err)
		}
		img, err := DecodeImage(file)
		file.Close()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if img.Bounds().Size() != want {
			t.Errorf("%s: want %v, got %v", name, want, img.Bounds().Size())
		}
		if x, err := FitImage(img, 3, 32, 32, FitOptions{Aspect: Crop}); err != nil || len(x) != 3*32*32 {
			t.Errorf("%s: %d bytes, %v", name, len(x), err)
		}
	}
}
