% Fuses every observation in the folder `from` and writes a cube of the same name into the folder `to`.
%
%   octave --no-gui --quiet --eval "fuse_all('observations', 'cubes')"
%
% The method stands for yours: the HSI enlarged by linear interpolation, times the ratio of the MSI's brightness to its own coarse image.
function fuse_all(from, to)
  if ~exist(to, 'dir'), mkdir(to); end
  files = dir(fullfile(from, '*.mat'));
  for k = 1:numel(files)
    seen = load(fullfile(from, files(k).name));  % the fields are explained in seen.about
    tic;
    cube = fuse(double(seen.hsi), double(seen.msi), double(seen.ratio), double(seen.phase));
    fusing_seconds = toc;
    save('-v7', fullfile(to, files(k).name), 'cube', 'fusing_seconds');
  end
end

function cube = fuse(hsi, msi, ratio, phase)
  [rows, cols, ~] = size(msi);
  bands = size(hsi, 3);
  % Where each fine pixel lies on the grid of the coarse ones: `phase` is the centre of the first coarse pixel, counted from 0.
  at = min(max(((0:rows-1) - phase(1)) / ratio + 1, 1), size(hsi, 1));
  along = min(max(((0:cols-1) - phase(2)) / ratio + 1, 1), size(hsi, 2));
  [x, y] = meshgrid(along, at);
  bright = mean(msi, 3);
  coarse = interp2(bright, (0:size(hsi, 2)-1) * ratio + phase(2) + 1, ((0:size(hsi, 1)-1) * ratio + phase(1) + 1)', 'linear');
  detail = bright ./ max(interp2(coarse, x, y, 'linear'), 1e-6);
  cube = zeros(rows, cols, bands);
  for b = 1:bands
    cube(:, :, b) = interp2(hsi(:, :, b), x, y, 'linear') .* detail;
  end
end
