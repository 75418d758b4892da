1;  % a script, not a function file: GSA, one group of bands per channel, at the pair's own phase

function A = sampling(n, centres, stretch, cubic)  % weights of the samples at `centres`, one row each; the border is mirrored
  A = zeros(numel(centres), n);
  reach = (1 + cubic) * stretch;
  for k = 1:numel(centres)
    place = floor(centres(k) - reach) + (0:ceil(2 * reach) + 1);
    t = abs(centres(k) - place) / stretch;
    if cubic
      w = (t <= 1) .* ((1.5 * t - 2.5) .* t .^ 2 + 1) + (t > 1 & t <= 2) .* (((-0.5 * t + 2.5) .* t - 4) .* t + 2);
    else
      w = max(1 - t, 0);
    end
    folded = mod(place, 2 * n);
    folded = min(folded, 2 * n - 1 - folded);
    A(k, :) = accumarray(folded(:) + 1, w(:) / sum(w), [n, 1])';
  end
end

function y = resample(rows, x, cols)
  y = zeros(size(rows, 1), size(cols, 1), size(x, 3));
  for b = 1:size(x, 3), y(:, :, b) = rows * x(:, :, b) * cols'; end
end

paths = argv();
o = load(paths{end - 1});
started = tic;
Y = double(o.hsi);  M = double(o.msi);  r = o.ratio;
[h, w, bands] = size(Y);  [H, W, channels] = size(M);
down = @(n, p, cubic) sampling(n * r, p + r * (0:n - 1), r, cubic);   % from the fine to the coarse grid
up = @(n, p) sampling(n, ((0:n * r - 1) - p) / r, 1, true);           % and back
P = reshape(M - mean(mean(M, 1), 2), H * W, channels);                % channels without their means
coarse = reshape(resample(down(h, o.phase(1), true), reshape(P, H, W, channels), down(w, o.phase(2), true)), h * w, channels);
guide = reshape(resample(down(h, o.phase(1), false), M, down(w, o.phase(2), false)), h * w, channels);
unit = @(x) (x - mean(x)) ./ max(sqrt(sum((x - mean(x)) .^ 2)), realmin);
U = reshape(resample(up(h, o.phase(1)), Y, up(w, o.phase(2))), H * W, bands);
Y = reshape(Y, h * w, bands);
[~, group] = max(unit(Y)' * unit(guide), [], 2);                      % every band joins the channel that it is most like
Z = zeros(H * W, bands);
for c = unique(group)'
  members = find(group == c);
  F = U(:, members) - mean(U(:, members));
  a = pinv([Y(:, members) - mean(Y(:, members)), ones(h * w, 1)]) * coarse(:, c);
  I = F * a(1:end - 1);                                               % the channel as the HSI sees it
  gain = F' * I / max(I' * I, realmin);
  Z(:, members) = F + (P(:, c) - I) * gain' + mean(U(:, members));
end
cube = reshape(Z, H, W, bands);
fusing_seconds = toc(started);
save("-v6", paths{end}, "cube", "fusing_seconds");
