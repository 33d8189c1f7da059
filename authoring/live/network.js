// A network's forward pass: convolutions, transposed ones, and what stands between them.
//
// Values lie channels last: those of one pixel together. After a ReLU four in five of them are 0,
// so each pixel keeps a list of its others, and only these are multiplied; eight outputs at once.
(function () {
  "use strict";
  const BLOCK = 8; // outputs that are added up together
  const loaded = {};

  // GanLessons.network("dcgan")(numbers) → numbers, for as many inputs as there are.
  GanLessons.network = function (name) {
    loaded[name] = loaded[name] || ready(GanLessons.networks[name]);
    return loaded[name];
  };

  function ready({ input, layers }) {
    const [channels, height, width] = input;
    const size = channels * height * width;
    const made = layers.map(unpacked);
    return function (numbers) {
      const outputs = [];
      for (let start = 0; start < numbers.length; start += size) {
        const values = channelsLast(numbers.subarray(start, start + size), channels);
        let image = { channels, height, width, values };
        for (const layer of made) image = layer(image);
        outputs.push(channelsFirst(image));
      }
      const all = new Float32Array(outputs.length * outputs[0].length);
      outputs.forEach((output, i) => all.set(output, i * output.length));
      return all;
    };
  }

  function channelsLast(numbers, channels) {
    const pixels = numbers.length / channels;
    const values = new Float64Array(numbers.length);
    for (let c = 0; c < channels; c++) {
      for (let p = 0; p < pixels; p++) values[p * channels + c] = numbers[c * pixels + p];
    }
    return values;
  }

  function channelsFirst({ channels, values }) {
    const pixels = values.length / channels;
    const numbers = new Float32Array(values.length);
    for (let c = 0; c < channels; c++) {
      for (let p = 0; p < pixels; p++) numbers[c * pixels + p] = values[p * channels + c];
    }
    return numbers;
  }

  // A layer as a function. BatchNorm is folded in: in evaluation it is a factor and a summand.
  function unpacked(layer) {
    if (layer.kind === "mean") return mean;
    const { inputs, outputs, kernel, kind } = layer;
    const packed = GanLessons.numbers(layer.weights, "float16");
    const scale = layer.scale && GanLessons.numbers(layer.scale);
    const taps = kernel * kernel;
    const together = outputs === 1 ? 1 : BLOCK;
    const blocks = Math.ceil(outputs / together);
    const weights = new Float64Array(blocks * taps * inputs * together); // missing outputs stay 0
    for (let o = 0; o < outputs; o++) {
      for (let i = 0; i < inputs; i++) {
        for (let tap = 0; tap < taps; tap++) {
          const from = (kind === "transposed" ? i * outputs + o : o * inputs + i) * taps + tap;
          const row = (Math.floor(o / together) * taps + tap) * inputs + i;
          weights[row * together + (o % together)] = packed[from] * (scale ? scale[o] : 1);
        }
      }
    }
    const bias = new Float64Array(blocks * together);
    if (layer.bias) bias.set(GanLessons.numbers(layer.bias));
    const known = { ...layer, together, blocks, weights, bias };
    return (image) => convolve(image, known);
  }

  function mean({ channels, values }) {
    const pixels = values.length / channels;
    const sums = new Float64Array(channels);
    for (let i = 0; i < values.length; i++) sums[i % channels] += values[i] / pixels;
    return { channels, height: 1, width: 1, values: sums };
  }

  // Which pixels an output pixel takes from, along one side: place and tap in turn.
  function reached(to, from, { kind, kernel, stride, padding }) {
    const pairs = [];
    for (let tap = 0; tap < kernel; tap++) {
      const place = kind === "transposed" ? (to + padding - tap) / stride : to * stride + tap - padding;
      if (Number.isInteger(place) && place >= 0 && place < from) pairs.push(place, tap);
    }
    return pairs;
  }

  // What is not 0 in each pixel: its values, where their channels' weights lie in a tap's, and where
  // each pixel's begin.
  function compressed({ channels, values }, together) {
    const kept = new Float64Array(values.length);
    const channel = new Int32Array(values.length);
    const starts = new Int32Array(values.length / channels + 1);
    let n = 0;
    for (let i = 0, pixel = 0; i < values.length; pixel++) {
      for (let c = 0; c < channels; c++, i++) {
        kept[n] = values[i];
        channel[n] = c * together;
        n += values[i] !== 0 ? 1 : 0;
      }
      starts[pixel + 1] = n;
    }
    return { kept, channel, starts };
  }

  // Eight outputs of one pixel: in local variables, which is three times as fast as in an array.
  // taps has pairs: a pixel that is seen, and where its first channel's weights lie.
  function add({ kept, channel, starts }, taps, count, weights, bias, o, sums) {
    let a = bias[o], b = bias[o + 1], c = bias[o + 2], d = bias[o + 3];
    let e = bias[o + 4], f = bias[o + 5], g = bias[o + 6], h = bias[o + 7];
    for (let t = 0; t < count; t += 2) {
      const end = starts[taps[t] + 1];
      const row = taps[t + 1];
      for (let j = starts[taps[t]]; j < end; j++) {
        const value = kept[j];
        const w = row + channel[j];
        a += value * weights[w];
        b += value * weights[w + 1];
        c += value * weights[w + 2];
        d += value * weights[w + 3];
        e += value * weights[w + 4];
        f += value * weights[w + 5];
        g += value * weights[w + 6];
        h += value * weights[w + 7];
      }
    }
    sums[0] = a, sums[1] = b, sums[2] = c, sums[3] = d;
    sums[4] = e, sums[5] = f, sums[6] = g, sums[7] = h;
  }

  function addOne({ kept, channel, starts }, taps, count, weights, bias) {
    let sum = bias;
    for (let t = 0; t < count; t += 2) {
      const end = starts[taps[t] + 1];
      for (let j = starts[taps[t]]; j < end; j++) sum += kept[j] * weights[taps[t + 1] + channel[j]];
    }
    return sum;
  }

  function convolve(image, layer) {
    const { height, width } = image;
    const { kind, inputs, outputs, kernel, stride, padding, together, blocks, weights, bias, slope = 1 } = layer;
    const side = (from) =>
      kind === "transposed"
        ? (from - 1) * stride + kernel - 2 * padding
        : Math.floor((from + 2 * padding - kernel) / stride) + 1;
    const [tall, broad] = [side(height), side(width)];
    const rows = Array.from({ length: tall }, (_, y) => reached(y, height, layer));
    const columns = Array.from({ length: broad }, (_, x) => reached(x, width, layer));
    const seen = compressed(image, together);
    const values = new Float64Array(tall * broad * outputs);
    const taps = new Int32Array(2 * kernel * kernel);
    const sums = new Float64Array(BLOCK);
    for (let block = 0; block < blocks; block++) { // outermost: its weights stay near
      const first = block * kernel * kernel * inputs;
      const count = Math.min(together, outputs - block * together);
      for (let y = 0; y < tall; y++) {
        const down = rows[y];
        for (let x = 0; x < broad; x++) {
          const right = columns[x];
          let n = 0;
          for (let r = 0; r < down.length; r += 2) {
            for (let c = 0; c < right.length; c += 2) {
              taps[n++] = down[r] * width + right[c];
              taps[n++] = (first + (down[r + 1] * kernel + right[c + 1]) * inputs) * together;
            }
          }
          if (together === 1) sums[0] = addOne(seen, taps, n, weights, bias[0]);
          else add(seen, taps, n, weights, bias, block * BLOCK, sums);
          const to = (y * broad + x) * outputs + block * together;
          for (let o = 0; o < count; o++) values[to + o] = sums[o] < 0 ? slope * sums[o] : sums[o];
        }
      }
    }
    if (layer.tanh) values.forEach((value, i) => (values[i] = Math.tanh(value)));
    return { channels: outputs, height: tall, width: broad, values };
  }
})();
