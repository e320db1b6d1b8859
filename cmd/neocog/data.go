package main

import (
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/image/draw"

	"neocog/data"
	"neocog/internal/wholefile"
	"neocog/train"
)

func (a *app) dataCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "data",
		Short: "Download data sets, look at them, pack them into one file",
		Args:  wants(0, 0, "a command: get, show or pack"),
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.dataGetCommand(), a.dataShowCommand(), a.dataPackCommand())
	return cmd
}

// showOptions are the flags of data show.
type showOptions struct {
	augment, out            string
	rows, columns, of, zoom int
	test                    bool
	seed                    uint64
}

func (a *app) dataShowCommand() *cobra.Command {
	var o showOptions
	cmd := &cobra.Command{
		Use:   "show DATASET",
		Short: "Draw images of a data set on one sheet, before and after augmentation",
		Long: `Draw images of a data set, a folder or digits, on one sheet. With --augment each row is an image: on the left as it is,
then as it is in the epochs of a training with this seed.

Steps, joined by +:
  flip[:P]                      mirror left and right, with probability 0.5
  crop:PAD                      shift by up to PAD pixels
  patch:SIZE, centre:SIZE       SIZE×SIZE pixels from anywhere, from the middle (also top-left, bottom-right …)
  scale:SIDE[,MOST]             resize to a short side of SIDE (to MOST) pixels
  resized-crop[:SIZE[,AREA]]    a part with at least AREA of the image, resized
  translate:SHARE, rotate:DEGREES, shear:DEGREES, stretch:BY, lens:K, elastic[:ALPHA,SIGMA]
  border:black|edge|reflect|mean  what is beyond the edge, for the steps after it
  brightness:BY, contrast:BY, saturation:BY, hue:TURNS, pca[:STD]
  cutout:SIZE                   paint a square in the mean colour
  mixup[:ALPHA]                 mix with another image and its label (in training; not on the sheet)
  cifar, resnet, alexnet        the protocols of the papers`,
		Example: `neocog data show digits -o digits.png
neocog data show cifar-10 --augment cifar+cutout:8 -o sheet.png
neocog data show digits --augment rotate:15+elastic:20,4 --rows 4 -o sheet.png`,
		Args: wants(1, 1, "DATASET, a folder, csv:FILE, a pack or digits"),
		RunE: func(cmd *cobra.Command, args []string) error { return a.dataShow(args[0], o) },
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&o.augment, "augment", "", "`STEPS` joined by +, as above")
	f.StringVarP(&o.out, "out", "o", "", "`FILE` of the sheet, a PNG")
	f.IntVar(&o.rows, "rows", 10, "rows of the sheet")
	f.IntVar(&o.columns, "columns", 10, "columns of the sheet")
	f.IntVar(&o.of, "from", 0, "`POSITION` in the set of the first image")
	f.IntVar(&o.zoom, "zoom", 0, "pixels for one of an image; 0 makes small images larger")
	f.BoolVar(&o.test, "test", false, "images of the test set")
	f.Uint64Var(&o.seed, "seed", 1, "of the augmentation")
	return cmd
}

// The most that a sheet may be asked for, images and pixels.
const (
	maxSheet       = 10_000
	maxSheetPixels = 1 << 28
)

func (a *app) dataShow(name string, o showOptions) error {
	steps, err := data.ParseAugment(o.augment)
	if err != nil {
		return asUsage(err)
	}
	switch {
	case o.out == "":
		return usagef("data show wants -o FILE.png, where the sheet is written")
	case !strings.EqualFold(filepath.Ext(o.out), ".png"):
		return usagef("--out: got %s, want a name that ends in .png: the sheet is a PNG", o.out)
	case o.rows < 1 || o.columns < 1 || o.rows > maxSheet/o.columns:
		return usagef("--rows and --columns: got %d and %d, want at least 1 each and at most %d images", o.rows, o.columns, maxSheet)
	case o.zoom < 0 || o.zoom > maxSheetPixels || o.of < 0:
		return usagef("--zoom and --from: got %d and %d, want at least 0, and a zoom of at most %d", o.zoom, o.of, maxSheetPixels)
	}
	cfg := train.DefaultConfig("lenet5")
	cfg.Data = name
	set, test, err := train.Load(cfg)
	if err != nil {
		return err
	}
	if o.test {
		set = test
	}
	if o.of >= set.Len() {
		return usagef("--from: got %d, want less than %d, the images of %s", o.of, set.Len(), set.Name)
	}
	if set.C != 1 && set.C != 3 {
		return fmt.Errorf("%s has images of %d channels, want 1 or 3 to draw them", set.Name, set.C)
	}
	g, err := steps.For(set, o.seed)
	if err != nil {
		return asUsage(err)
	}
	img, err := sheet(set, g, len(steps) > 0, o)
	if err != nil {
		return err
	}
	if err := wholefile.Write(o.out, func(w io.Writer) error { return png.Encode(w, img) }); err != nil {
		return err
	}
	if a.json {
		return a.emit(struct {
			Data    string `json:"data"`
			Augment string `json:"augment"`
			File    string `json:"file"`
		}{set.Name, steps.String(), o.out})
	}
	fmt.Fprintln(a.stdout, o.out)
	return nil
}

// sheet draws rows of images; with augmentation a row is one image, first as it is.
func sheet(set *data.Set, g *data.Augmenter, augmented bool, o showOptions) (image.Image, error) {
	h, w := g.Size()
	cellH, cellW := max(h, set.H), max(w, set.W)
	zoom := o.zoom
	if zoom == 0 {
		zoom = max(1, 96/max(cellH, cellW))
	}
	gap := 2
	width, height := o.columns*(cellW*zoom+gap)+gap, o.rows*(cellH*zoom+gap)+gap
	if width > maxSheetPixels/height {
		return nil, fmt.Errorf("a sheet of %d×%d pixels is too large; ask for fewer --rows or --columns, or a smaller --zoom", width, height)
	}
	out := image.NewRGBA(image.Rect(0, 0, width, height))
	draw.Draw(out, out.Bounds(), image.NewUniform(color.RGBA{70, 90, 130, 255}), image.Point{}, draw.Src)
	for row := range o.rows {
		for column := range o.columns {
			i, epoch := o.of+row*o.columns+column, 0
			if augmented {
				i, epoch = o.of+row, column-1
			}
			if i >= set.Len() {
				return out, nil
			}
			one := &data.Set{C: set.C, H: set.H, W: set.W, Pixels: set.Image(i), Labels: []int32{0}}
			if augmented && column > 0 {
				one.H, one.W, one.Pixels = h, w, g.Image(epoch, i)
			}
			at := image.Pt(gap+column*(cellW*zoom+gap), gap+row*(cellH*zoom+gap))
			img := picture(one, 0)
			draw.NearestNeighbor.Scale(out, image.Rect(0, 0, one.W*zoom, one.H*zoom).Add(at), img, img.Bounds(), draw.Src, nil)
		}
	}
	return out, nil
}

func (a *app) dataPackCommand() *cobra.Command {
	cfg := train.DefaultConfig("resnet18")
	var out string
	cmd := &cobra.Command{
		Use:   "pack DATASET",
		Short: "Write a data set into one file, which training maps into memory",
		Long: `Write the training and test images of a data set, decoded and of one size, one after another into a file. Training with
--data FILE maps it into memory: nothing is decoded again, and a set may be larger than memory, but not with
--validation, which copies the images.`,
		Example: `neocog data pack path/to/images --image-size 256 -o images.pack
neocog train resnet18 --data images.pack --augment patch:224+flip --views ten-crops:224,256`,
		Args: wants(1, 1, "DATASET, a folder, csv:FILE, a pack or digits"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if out == "" {
				return usagef("data pack wants -o FILE, where the pack is written")
			}
			cfg.Data = args[0]
			if err := cfg.Validate(); err != nil {
				return asUsage(err)
			}
			if dir := data.Locate(cfg.Data); cmd.Flags().Changed("image-size") && !data.IsImages(dir) {
				return usagef("--image-size is for image folders, train/CLASS/ and test/CLASS/; %s is none, its images keep their size", dir)
			}
			set, test, err := train.Load(cfg)
			if err != nil {
				return err
			}
			if err := wholefile.Write(out, func(w io.Writer) error { return data.WritePack(w, set, test) }); err != nil {
				return err
			}
			if a.json {
				return a.emit(struct {
					File  string `json:"file"`
					Train int    `json:"train"`
					Test  int    `json:"test"`
				}{out, set.Len(), test.Len()})
			}
			fmt.Fprintf(a.stdout, "%s: %s to train, %s to test, %d×%d×%d\n", out, plural(set.Len(), "image"), thousands(test.Len()), set.C, set.H, set.W)
			return nil
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVarP(&out, "out", "o", "", "`FILE` of the pack")
	f.IntVar(&cfg.ImageSize, "image-size", 256, "side of the images of an image folder")
	return cmd
}
