"""What is counted of a convolution: parameters and multiply-adds."""

from typing import NamedTuple


class Convolution(NamedTuple):
    """A convolution or linear layer.

    Attributes:
        kernel: int. Side of the kernel.
        inputs: int. Channels that each output is computed of: 1 if depthwise.
        outputs: int. Channels.
        level: int. How often the sides of its map are halved: of the output, or of the
            input of a transposed convolution.
        others: int. Parameters besides the kernel, for each output: 2 of a batch
            normalisation (the moving statistics are no parameters), 1 of a bias.
        area: int or None. Places of the map where they do not follow from the level.
        rounds_down: bool. Average pooling rounds sides down, strides round them up.
        levels: int. Maps that it is put to, each of half the sides of the one before.
    """

    kernel: int
    inputs: int
    outputs: int
    level: int
    others: int = 2
    area: int | None = None
    rounds_down: bool = False
    levels: int = 1

    def macs(self, image_size: tuple[int, int]) -> int:
        """Returns the multiply-adds for an image of (height, width) pixels."""
        return self.kernel**2 * self.inputs * self.outputs * self.places(image_size)

    def places(self, image_size: tuple[int, int]) -> int:
        """Returns the number of places that the kernel is put to."""
        area = self.area
        if area is None and self.levels > 1:
            return sum(
                self._replace(level=self.level + i, levels=1).places(image_size)
                for i in range(self.levels)
            )
        if area is None:
            # ceil(ceil(side / 2) / 2) = ceil(side / 4), and so with floor.
            scale = 2**self.level
            sides = [
                s // scale if self.rounds_down else -(-s // scale) for s in image_size
            ]
            area = sides[0] * sides[1]
        return area
