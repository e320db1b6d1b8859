package main

import (
	"image"
	"image/color"
	"image/png"
	"io"
	"path/filepath"
	"strings"

	"neocog/data"
	"neocog/internal/wholefile"
)

// shades are characters from dark to light, for light text on dark and dark on light alike: ink is what stands out.
const shades = " .:-=+*#%@"

// drawing returns an h×w grey image as text. Characters are about twice as high as wide, so that a line stands for
// two rows.
func drawing(pixels []byte, h, w int) string {
	var b strings.Builder
	for y := 0; y < h; y += 2 {
		line := make([]byte, w)
		for x := range w {
			level := int(pixels[y*w+x])
			if y+1 < h {
				level = (level + int(pixels[(y+1)*w+x])) / 2
			}
			line[x] = shades[level*(len(shades)-1)/255]
		}
		b.WriteString(strings.TrimRight("  "+string(line), " ") + "\n")
	}
	return b.String()
}

// writeExample writes the first image of a set into a folder, for the reader to try predict on, and returns its path.
func writeExample(dir string, set *data.Set) (string, error) {
	path := filepath.Join(dir, "example.png")
	return path, wholefile.Write(path, func(w io.Writer) error { return png.Encode(w, picture(set, 0)) })
}

// picture returns image i of a set of one or three channels.
func picture(set *data.Set, i int) image.Image {
	plane, pixels := set.H*set.W, set.Image(i)
	if set.C == 1 {
		return &image.Gray{Pix: pixels, Stride: set.W, Rect: image.Rect(0, 0, set.W, set.H)}
	}
	img := image.NewRGBA(image.Rect(0, 0, set.W, set.H))
	for p := range plane {
		img.SetRGBA(p%set.W, p/set.W, color.RGBA{pixels[p], pixels[plane+p], pixels[2*plane+p], 255})
	}
	return img
}
