// Solves a challenge of altcha ("SHA-256", cost 1): counts up to the number whose hash begins as
// asked. The browser's own hashing needs HTTPS, and a promise a hash.

const primes = [];
const start = [];
const round = [];
for (let n = 2; !round[63]; n += 1) {
  if (primes.every((prime) => n % prime)) {
    primes.push(n);
    start.push(n ** (1 / 2) * 2 ** 32 | 0);
    round.push(n ** (1 / 3) * 2 ** 32 | 0);
  }
}
const w = new Int32Array(64);

// Hashes one block: 16 words, padding included, to 8.
function sha256(block) {
  w.set(block);
  for (let i = 16; i < 64; i += 1) {
    const x = w[i - 15];
    const y = w[i - 2];
    w[i] = w[i - 16] + w[i - 7]
      + ((x >>> 7 | x << 25) ^ (x >>> 18 | x << 14) ^ x >>> 3)
      + ((y >>> 17 | y << 15) ^ (y >>> 19 | y << 13) ^ y >>> 10);
  }
  let [a, b, c, d, e, f, g, h] = start;
  for (let i = 0; i < 64; i += 1) {
    const x = h + round[i] + w[i] + (e & f ^ ~e & g)
      + ((e >>> 6 | e << 26) ^ (e >>> 11 | e << 21) ^ (e >>> 25 | e << 7));
    const y = (a & b ^ a & c ^ b & c)
      + ((a >>> 2 | a << 30) ^ (a >>> 13 | a << 19) ^ (a >>> 22 | a << 10));
    h = g;
    g = f;
    f = e;
    e = d + x | 0;
    d = c;
    c = b;
    b = a;
    a = x + y | 0;
  }
  return [a, b, c, d, e, f, g, h].map((word, i) => word + start[i] | 0);
}

function solve(challenge) {
  const { salt, nonce, keyPrefix } = JSON.parse(challenge).parameters;
  const words = (hex) => hex.match(/.{8}/g).map((word) => parseInt(word, 16) | 0);
  const [first, second] = words(keyPrefix);
  // 36 bytes: salt, nonce and counter; then the padding, which says that they are 288 bits.
  const block = [...words(salt + nonce), 0, 1 << 31, 0, 0, 0, 0, 0, 288];
  let hash = sha256(block);
  while (hash[0] !== first || hash[1] !== second) {
    block[8] += 1;
    hash = sha256(block);
  }
  const derivedKey = hash.map((word) => (word >>> 0).toString(16).padStart(8, 0)).join("");
  const solution = JSON.stringify({ counter: block[8], derivedKey });
  return btoa(`{"challenge":${challenge},"solution":${solution}}`);
}

onmessage = ({ data }) => {
  postMessage(solve(data));
  close();
};
