package data

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"image"
	_ "image/jpeg" // DecodeImage reads JPEG
	_ "image/png"  // and PNG
	"io"
)

// Limits of DecodeImage and FitImage.
const (
	maxPixels    = 64 << 20  // width × height
	maxSide      = 1 << 15   // width or height: resizing needs memory in proportion to it
	maxImageFile = 256 << 20 // bytes

	// No PNG or JPEG holds more pixels in a byte: deflate expands at most 1,032 times, and a byte of PNG
	// holds at most 8 pixels; a JPEG block of 64 pixels takes at least a bit.
	maxPixelsPerByte = 8 * 1032
)

// DecodeImage reads a PNG or JPEG image; the content tells which. The header is read first: more than 64 megapixels, a side
// above 32,768, a file above 256 MiB, and a header that promises more pixels than so small a file can hold are refused
// with a *FormatError before anything is allocated for pixels.
func DecodeImage(r io.Reader) (image.Image, error) {
	file, err := io.ReadAll(io.LimitReader(bufio.NewReader(r), maxImageFile+1))
	if err != nil {
		return nil, err
	}
	if len(file) > maxImageFile {
		return nil, &FormatError{What: "image file", Want: fmt.Sprintf("at most %d bytes", maxImageFile), Got: "more"}
	}
	head, format, err := image.DecodeConfig(bytes.NewReader(file))
	if err != nil {
		return nil, decodeError("PNG or JPEG", len(file), err)
	}
	if err := checkImageSize(head.Width, head.Height); err != nil {
		return nil, err
	}
	if most := maxPixelsPerByte * int64(len(file)); int64(head.Width)*int64(head.Height) > most {
		return nil, &FormatError{What: format + " header", Want: fmt.Sprintf("at most %d pixels in a file of %d bytes", most, len(file)),
			Got: fmt.Sprintf("%d×%d", head.Width, head.Height)}
	}
	img, _, err := image.Decode(bytes.NewReader(file))
	if err != nil {
		return nil, decodeError("a whole "+format, len(file), err)
	}
	return img, nil
}

func decodeError(want string, size int, err error) error {
	got := fmt.Sprintf("%d bytes that are not", size)
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		got = fmt.Sprintf("%d bytes that end early", size)
	}
	return &FormatError{What: "image", Want: want, Got: got, Err: err}
}

func checkImageSize(w, h int) error {
	if w < 1 || h < 1 || w > maxSide || h > maxSide || w*h > maxPixels {
		return &FormatError{What: "image size",
			Want: fmt.Sprintf("1×1 to %d megapixels with sides up to %d", maxPixels>>20, maxSide), Got: fmt.Sprintf("%d×%d", w, h)}
	}
	return nil
}
